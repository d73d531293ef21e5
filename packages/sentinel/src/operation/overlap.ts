/** What a new request means for the operations already under way. Pure. */
import type { DesiredState, OperationVerb, ProcessStatus, StepState, Target } from "@castellan/protocol";
import type { MoveOptions } from "./move.ts";
import type { PlannedInstance, PlannerView, PlanStep } from "./plan.ts";
import type { WaveStep } from "./wave.ts";

export interface OperationStep extends WaveStep {
  readonly id: string;
  readonly serverId: number;
}

/** An operation under way, as the journal tells it. */
export interface OpenOperation {
  readonly id: string;
  readonly verb: OperationVerb;
  readonly target: Target;
  readonly by: string;
  /** Of a move: what it moves. */
  readonly move: MoveOptions | null;
  readonly steps: readonly OperationStep[];
}

export type Overlap =
  /** It may begin; what it ends by beginning. */
  | { readonly kind: "clear"; readonly superseded: readonly OpenOperation[] }
  | { readonly kind: "busy"; readonly operation: OpenOperation };

type Key = Pick<PlannedInstance, "serverId" | "type" | "instance">;
const keyOf = ({ serverId, type, instance }: Key): string => `${serverId}/${type}/${instance}`;

export const hasEnded = (state: StepState): boolean => state !== "pending" && state !== "ready" && state !== "claimed";

/**
 * SHUTDOWN wins over everything but another SHUTDOWN. RESTART goes beside a start that waits for the same process: whichever
 * attempt gets it up is what both wanted. Otherwise who came first goes on, and the newcomer is refused.
 */
export function findOverlap(verb: OperationVerb, steps: readonly PlanStep[], open: readonly OpenOperation[]): Overlap {
  const planned = new Map(steps.map((step) => [keyOf(step), step.desired]));
  const isShared = (step: OperationStep): boolean =>
    step.desired === "RUNNING" && step.state === "claimed" && planned.get(keyOf(step)) === "RESTARTED";
  const touching = open.filter(({ steps: theirs }) =>
    theirs.some((step) => planned.has(keyOf(step)) && !(verb === "restart" && isShared(step))),
  );
  const busy = touching.find((operation) => verb !== "shutdown" || operation.verb === "shutdown");
  return busy === undefined ? { kind: "clear", superseded: touching } : { kind: "busy", operation: busy };
}

/**
 * The view with what is about to happen: who is about to be started counts as STARTING, who is about to be stopped as
 * SHUTTING DOWN, so that nothing is planned to rely on, or to leave without a footing, what is still under way.
 */
export function anticipate<V extends Pick<PlannerView, "instances">>(view: V, open: readonly OpenOperation[]): V {
  const coming = new Map<string, DesiredState>();
  for (const { steps } of open) {
    for (const step of steps) if (!hasEnded(step.state)) coming.set(keyOf(step), step.desired);
  }
  if (coming.size === 0) return view;
  const instances = view.instances.map((instance) => {
    const status = statusAhead(instance.status, coming.get(keyOf(instance)));
    return status === instance.status ? instance : { ...instance, status };
  });
  return { ...view, instances };
}

function statusAhead(status: ProcessStatus, desired: DesiredState | undefined): ProcessStatus {
  const down = status === "STOPPED" || status === "SUSPENDED";
  if (desired === "STOPPED" || desired === "HELD") return down ? status : "SHUTTING DOWN";
  if (desired === "RESTARTED" || (desired === "RUNNING" && down)) return "STARTING";
  return status;
}

/** `start of the node`, `shutdown of hades WIS 2`: an operation for people. */
export function describe({ verb, target }: Pick<OpenOperation, "verb" | "target">): string {
  const words = [target.server, target.type, target.instance].filter((word) => word !== undefined);
  return `${verb.replace("_", "-")} of ${words.length === 0 ? "the node" : words.join(" ")}`;
}
