/** What an administrator does with a work item; the desk has the last word. */
import { Desk } from "@castellan/protocol";
import { auditRow } from "./audit.ts";
import type { AdminContext } from "./context.ts";
import { remoteActors } from "./remote-actors.ts";

/** Takes an item off its queue. Refused NO_SUCH_ITEM, NOT_OPEN, LOCKED; NOT_REACHABLE without a master. */
export async function releaseWorkItem(
  ctx: AdminContext,
  caseNumber: number,
  note?: string,
  timeoutMs = 5000,
): Promise<{ readonly caseNumber: number; readonly state: string }> {
  await ctx.gateway.commit([auditRow(ctx, "workitem.release", { caseNumber, note: note ?? null })]);
  const message = { type: "Release" as const, caseNumber, by: ctx.user, ...(note === undefined ? {} : { note }) };
  return remoteActors(ctx).remote(Desk, { host: "master" }).ask(message, { timeoutMs });
}
