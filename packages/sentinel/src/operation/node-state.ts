/** What a node as a whole is, from what its instances are and what is being done to it. Pure. */
import type { NodeState, OperationVerb, ProcessStatus, Target } from "@castellan/protocol";

export interface StateView {
  /** Servers that are missed: down or isolated, and not taken down in order. */
  readonly lostServers?: number;
  readonly instances: readonly { readonly enabled: boolean; readonly status: ProcessStatus }[];
}

interface Begun {
  readonly verb: OperationVerb;
  readonly target: Target;
}

/** Meant is everything. */
export function isNodeWide({ server, type, instance }: Target): boolean {
  return server === undefined && type === undefined && instance === undefined;
}

/** SHUTTING DOWN or STARTING while the whole node is being stopped, or started or restarted (stopping wins); else null. */
export function stateDuring(open: readonly Begun[]): NodeState | null {
  const whole = open.filter(({ target }) => isNodeWide(target));
  if (whole.some(({ verb }) => verb === "shutdown")) return "SHUTTING DOWN";
  return whole.some(({ verb }) => verb === "start" || verb === "restart") ? "STARTING" : null;
}

/** What does not do what it should: it waits (for its next attempt, for what it depends on), or was given up. One that was stopped by order is in order. */
const isAmiss = (status: ProcessStatus): boolean => status === "STARTING" || status === "SUSPENDED";

/** While nothing is under way: STOPPED when nothing runs, DEGRADED when an enabled instance is amiss or a server is lost, else RUNNING. */
export function nodeStateOf(
  { instances, lostServers = 0 }: StateView,
  open: readonly Begun[],
  recorded: NodeState | null = null,
): NodeState {
  const during = stateDuring(open);
  if (during !== null) return during;
  // Of a node whose servers are started one by one, none is the whole.
  const begins = recorded === "STOPPED" || recorded === "STARTING";
  if (begins && open.some(({ verb }) => verb === "boot" || verb === "catch_up")) return "STARTING";
  if (instances.every(({ status }) => status === "STOPPED" || status === "SUSPENDED")) return "STOPPED";
  return lostServers > 0 || instances.some(({ enabled, status }) => enabled && isAmiss(status))
    ? "DEGRADED"
    : "RUNNING";
}

/** How long a state that nobody aimed for must hold before it is recorded, milliseconds. */
export const SETTLE_MS = 1000;

export interface Settling {
  readonly state: NodeState;
  /** Since when it is computed without a break, boot-time milliseconds. */
  readonly sinceMs: number;
}

/**
 * Whether a computed state is recorded now. At once: that an operation on the node begins, and what the last one aimed for
 * (or a full recovery). Everything else must hold for `SETTLE_MS`: a process that is replaced in a moment, or a status row
 * that lags behind its step, does not make the node flicker.
 */
export function settle(
  recorded: NodeState,
  computed: NodeState,
  settling: Settling | null,
  nowMs: number,
): { readonly record: boolean; readonly settling: Settling | null } {
  if (computed === recorded) return { record: false, settling: null };
  const begins = computed === "STARTING" || computed === "SHUTTING DOWN";
  const aimed =
    (computed === "RUNNING" && (recorded === "STARTING" || recorded === "DEGRADED")) ||
    (computed === "STOPPED" && recorded === "SHUTTING DOWN");
  if (begins || aimed) return { record: true, settling: null };
  const sinceMs = settling?.state === computed ? settling.sinceMs : nowMs;
  if (nowMs - sinceMs >= SETTLE_MS) return { record: true, settling: null };
  return { record: false, settling: { state: computed, sinceMs } };
}
