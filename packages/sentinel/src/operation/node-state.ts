/** What a node as a whole is, from what its instances are and what is being done to it. Pure. */
import type { NodeState, OperationVerb, ProcessStatus, Target } from "@castellan/protocol";

export interface StateView {
  readonly instances: readonly { readonly enabled: boolean; readonly status: ProcessStatus }[];
}

export interface OpenOperation {
  readonly verb: OperationVerb;
  readonly target: Target;
}

/** Meant is everything. */
export function isNodeWide({ server, type, instance }: Target): boolean {
  return server === undefined && type === undefined && instance === undefined;
}

/**
 * SHUTTING DOWN and STARTING while the whole node is being stopped, or started or restarted (stopping wins); else RUNNING when all
 * enabled instances run (a paused one does), STOPPED when no instance is up, DEGRADED in between.
 */
export function nodeStateOf(view: StateView, open: readonly OpenOperation[]): NodeState {
  const whole = open.filter(({ target }) => isNodeWide(target));
  if (whole.some(({ verb }) => verb === "shutdown")) return "SHUTTING DOWN";
  if (whole.some(({ verb }) => verb === "start" || verb === "restart")) return "STARTING";
  if (view.instances.every(({ status }) => status === "STOPPED" || status === "SUSPENDED")) return "STOPPED";
  const enabled = view.instances.filter((instance) => instance.enabled);
  return enabled.every(({ status }) => status === "RUNNING" || status === "PAUSED") ? "RUNNING" : "DEGRADED";
}
