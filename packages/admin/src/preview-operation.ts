/** What an operation would do, by whoever would decide it: the master plans it as it would, and changes nothing. */
import { type CommandVerb, Conductor, type PlanPreview, type Target } from "@castellan/protocol";
import type { AdminContext } from "./context.ts";
import { remoteActors } from "./remote-actors.ts";

/** Refused as the operation would be (UNKNOWN_TYPE, HAS_DEPENDENTS, BUSY, ...); NOT_REACHABLE without a master. */
export async function previewOperation(
  ctx: Pick<AdminContext, "bus" | "node" | "clock" | "newId">,
  verb: CommandVerb,
  target: Target,
  timeoutMs = 5000,
): Promise<PlanPreview> {
  const conductor = remoteActors(ctx).remote(Conductor, { host: "master" });
  return await conductor.ask({ type: "Preview", verb, target, options: {} }, { timeoutMs });
}
