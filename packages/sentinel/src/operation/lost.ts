/**
 * What becomes of the steps of a server that is lost, so that every operation ends although the server may never return.
 * Pure. `brings up`: RUNNING, RESTARTED, PAUSED, UNPAUSED; `takes down`: STOPPED, HELD.
 *
 * | step                   | brings up                       | takes down                       |
 * |------------------------|---------------------------------|----------------------------------|
 * | ready, no grant        | failed                          | unknown                          |
 * | claimed, no grant      | unknown                         | unknown                          |
 * | ready, under grant     | failed                          | done as soon as the grant is over |
 * | claimed, under grant   | failed as soon as it is over    | done as soon as it is over       |
 *
 * What was at rest when its server was taken down in order is stopped, and a step that takes it down is done. A step that is ready on a server that is up, and that nobody takes in hand for `UNTAKEN_MS`, fails too.
 *
 * X1 What runs under a grant (foreground, exclusive) is judged when its grant is over, for then it certainly runs no more; nobody
 *    waits longer than `GRANT_WAIT_MS`: then it is unknown.
 * X2 Everything here is guarded by the state of the row: a server that returns in that moment and claims the step wins.
 */
import type { ProcessType } from "@castellan/protocol";
import { hasEnded, type OpenOperation, type OperationStep } from "./overlap.ts";
import { isLost, type Sights } from "./sights.ts";

export interface Closing {
  readonly step: OperationStep;
  readonly state: "done" | "failed" | "unknown";
  readonly why: string;
}

/** By operation. */
export const NO_CLOSINGS: ReadonlyMap<string, readonly Closing[]> = new Map();

/** Longer than any grant lasts that is not renewed, milliseconds after the server was lost. */
export const GRANT_WAIT_MS = 120_000;

/** Its sentinel is there and does not take it, because it has no grant, say; milliseconds. */
export const UNTAKEN_MS = 180_000;

export interface LossView {
  readonly sights: Sights;
  /** Since when steps are known to be ready, by id, boot-time milliseconds. */
  readonly readySince: ReadonlyMap<string, number>;
  readonly types: ReadonlyMap<string, Pick<ProcessType, "layer" | "exclusive">>;
  /** Instances that were at rest when their server was taken down in order, by `restKey`. */
  readonly atRest: ReadonlySet<string>;
  /** Servers that certainly run nothing any more that needs a grant. */
  readonly grantsOver: ReadonlySet<number>;
}

export const restKey = ({ serverId, type, instance }: Pick<OperationStep, "serverId" | "type" | "instance">): string =>
  `${serverId}/${type}/${instance}`;

/** Servers on which steps wait in vain. */
export function lostServers(open: readonly OpenOperation[], sights: Sights, nowMs: number): ReadonlySet<number> {
  const waiting = open.flatMap(({ steps }) => steps.filter(isWaitedFor).map(({ serverId }) => serverId));
  return new Set(waiting.filter((id) => isLost(sights.get(id), nowMs)));
}

export function closeLost(operation: OpenOperation, view: LossView, nowMs: number): readonly Closing[] {
  return operation.steps.flatMap((step): Closing[] => {
    const sight = view.sights.get(step.serverId);
    if (!isWaitedFor(step)) return [];
    if (!isLost(sight, nowMs)) {
      const readyForMs = step.state === "ready" ? nowMs - (view.readySince.get(step.id) ?? nowMs) : 0;
      if (readyForMs < UNTAKEN_MS) return [];
      return [{ step, state: "failed", why: `NOT_TAKEN: ${step.server} has not begun it for ${UNTAKEN_MS / 1000} s` }];
    }
    const lostForMs = sight === undefined ? Number.POSITIVE_INFINITY : nowMs - sight.sinceMs;
    const verdict = judge(step, view, lostForMs);
    if (verdict === null) return [];
    const where = sight === undefined ? `${step.server} is no member any more` : `${step.server} is ${sight.state}`;
    return [{ step, state: verdict[0], why: `SERVER_DOWN: ${where}; ${verdict[1]}` }];
  });
}

const isWaitedFor = ({ state }: OperationStep): boolean => state === "ready" || state === "claimed";
const takesDown = ({ desired }: OperationStep): boolean => desired === "STOPPED" || desired === "HELD";

function judge(step: OperationStep, view: LossView, lostForMs: number): readonly [Closing["state"], string] | null {
  if (takesDown(step) && view.atRest.has(restKey(step))) return ["done", "it was stopped before"];
  const isGranted = needsGrant(view.types.get(step.type));
  const isOver = isGranted && view.grantsOver.has(step.serverId);
  if (isOver) return takesDown(step) ? ["done", "it has ended with its grant"] : ["failed", "its grant is over"];
  if (step.state === "ready" && !takesDown(step)) return ["failed", "not begun"];
  if (isGranted && lostForMs < GRANT_WAIT_MS) return null;
  return ["unknown", takesDown(step) ? "whether it still runs there is unknown" : "whether it was done is unknown"];
}

/** Runs only while its server has leave to: foreground and exclusive types. */
export function needsGrant(type: Pick<ProcessType, "layer" | "exclusive"> | undefined): boolean {
  return type !== undefined && (type.layer === "foreground" || type.exclusive);
}

/** The operations with what is closed as closed. */
export function withClosings(operation: OpenOperation, closings: readonly Closing[]): OpenOperation {
  if (closings.length === 0) return operation;
  const closed = new Map(closings.map((closing) => [closing.step.id, closing]));
  const steps = operation.steps.map((step) => {
    const closing = closed.get(step.id);
    return closing === undefined || hasEnded(step.state)
      ? step
      : { ...step, state: closing.state, result: closing.why };
  });
  return { ...operation, steps };
}
