/** `castellan audit`: who changed what, when, from where. */
import { type AuditEntry, readAuditLog } from "@castellan/admin";
import { EXIT } from "../exit-code.ts";
import { formatTable, oneLine } from "../format/table.ts";
import { printJson, type Run } from "../invocation.ts";

export interface AuditOptions {
  readonly since?: number;
  readonly by?: string;
  readonly lines?: number;
}

export const run: Run<[AuditOptions]> = async (invocation, { since, by, lines }) => {
  const entries = await readAuditLog(await invocation.openAdmin(), {
    ...(since === undefined ? {} : { sinceMs: since }),
    ...(by === undefined ? {} : { by }),
    ...(lines === undefined ? {} : { last: lines }),
  });
  const { io } = invocation;
  if (invocation.json) printJson(invocation, entries);
  else if (entries.length === 0) io.out("nothing was changed\n");
  else io.out(formatTable(["WHEN", "WHO", "FROM", "COMMAND", "WHAT", "DETAILS"], entries.map(rowOf), io));
  return EXIT.done;
};

const rowOf = ({ at, by, station, command, what, details }: AuditEntry): string[] => [
  at.toISOString().slice(0, 19).replace("T", " "),
  oneLine(by),
  oneLine(station),
  oneLine(command ?? "-"),
  oneLine(what),
  oneLine(typeof details === "string" ? details : JSON.stringify(details)),
];
