/**
 * A stop of the whole node after a notice. It is a row, so it comes whatever becomes of the sentinels meanwhile; until it
 * comes it can only be brought nearer.
 */
import { CastellanError } from "@castellan/kernel";
import { insert, type Row, update } from "@castellan/store";
import { auditRow } from "./audit.ts";
import { changePatiently } from "./change-patiently.ts";
import type { AdminContext } from "./context.ts";

export interface ForcedStop {
  /** The operation that stops the node will have it. */
  readonly requestId: string;
  readonly by: string;
  readonly stopAt: Date;
}

export interface Announced {
  readonly stop: ForcedStop;
  /** `ignored`: the node stops sooner anyway, as somebody said before. */
  readonly outcome: "announced" | "shortened" | "ignored";
  /** Who is signed in, or holds a work item. */
  readonly users: readonly string[];
}

/** A day: what is meant to be later is for a scheduler. */
const MOST_SECONDS = 86_400;

/** The node stops after so many seconds, or sooner when that was said before. Refused USAGE. */
export async function announceStop(ctx: AdminContext, seconds: number): Promise<Announced> {
  if (!Number.isInteger(seconds) || seconds < 0 || seconds > MOST_SECONDS) {
    throw new CastellanError("USAGE", `write a whole number of seconds for the notice, at most ${MOST_SECONDS}`);
  }
  const users = await usersOf(ctx);
  return await changePatiently("the stop of the node", async () => {
    const stopAt = new Date(ctx.clock.now().getTime() + seconds * 1000);
    const [known] = await ctx.gateway.find("forced_stop", { where: { id: 1 } });
    if (known !== undefined && known.stop_at <= stopAt) return { stop: stopOf(known), outcome: "ignored", users };
    const requestId = known?.request_id ?? ctx.newId();
    const audit = auditRow(ctx, "node.forced-stop", { requestId, seconds, stopAt, before: known?.stop_at ?? null });
    const row = { id: 1, request_id: requestId, requested_by: ctx.user, stop_at: stopAt };
    await ctx.gateway.commit([
      known === undefined
        ? insert("forced_stop", row)
        : update(
            "forced_stop",
            { id: 1, request_id: requestId, stop_at: known.stop_at },
            { requested_by: ctx.user, stop_at: stopAt },
          ),
      audit,
    ]);
    return { stop: stopOf(row), outcome: known === undefined ? "announced" : "shortened", users };
  });
}

/** What is announced now; null: nothing. */
export async function readForcedStop({ gateway }: Pick<AdminContext, "gateway">): Promise<ForcedStop | null> {
  const [row] = await gateway.find("forced_stop", { where: { id: 1 } });
  return row === undefined ? null : stopOf(row);
}

/** The operation of a request; null: there is none yet. */
export async function operationOf(
  { gateway }: Pick<AdminContext, "gateway">,
  requestId: string,
): Promise<string | null> {
  const [row] = await gateway.find("operation", { where: { request_id: requestId } });
  return row?.id ?? null;
}

const stopOf = (row: Row<"forced_stop">): ForcedStop => ({
  requestId: row.request_id,
  by: row.requested_by,
  stopAt: row.stop_at,
});

async function usersOf({ gateway }: AdminContext): Promise<string[]> {
  const [logins, items] = await Promise.all([
    gateway.find("active_logins"),
    gateway.find("work_item", { where: { state: "open" } }),
  ]);
  const holders = items.flatMap(({ locked_by }) => (locked_by === null ? [] : [locked_by]));
  return [...new Set([...logins.map(({ user_name }) => user_name), ...holders])].sort();
}
