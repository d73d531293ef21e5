/** Who did what: one row for every command that changes something, in the commit that changes it where there is one. */
import { insert, type Write } from "@castellan/store";
import type { AdminContext } from "./context.ts";

/** Who is on record. */
export type Recorder = Pick<AdminContext, "user" | "station" | "command" | "clock" | "newId">;

/** Longest JSON kept of a command's details, characters. */
const MAX_DETAILS = 100_000;

/** The row that records a command, for a commit. `what` is `{noun}.{verb}`, at most 64 characters. */
export function auditRow(ctx: Recorder, what: string, details: Readonly<Record<string, unknown>>): Write {
  const json = JSON.stringify(details);
  return insert("audit_log", {
    id: ctx.newId(),
    happened_at: ctx.clock.now(),
    by_user: ctx.user,
    station: ctx.station,
    command: ctx.command.slice(0, 64),
    what,
    details: json.length <= MAX_DETAILS ? json : JSON.stringify({ cut: json.slice(0, MAX_DETAILS) }),
  });
}
