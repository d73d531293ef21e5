/**
 * What happens to an actor whose handler threw. A strategy is a value; the decision is this pure function; the cell
 * acts on it.
 *
 * | strategy | within the budget | beyond it |
 * |---|---|---|
 * | resume   | drop the message, go on with the state as it is | - |
 * | restart  | fresh behaviour, same ref, same mailbox minus the message | escalate |
 * | stop     | end the actor | - |
 * | escalate | end the actor, and the parent fails with the same error | - |
 *
 * An actor without a strategy escalates; the failure of the topmost stops the system.
 */
import type { Backoff } from "@castellan/kernel";

export interface RestartOptions {
  /** How many restarts are allowed within `withinMs`; one more escalates. */
  readonly maxRestarts: number;
  readonly withinMs: number;
  /** The wait before each restart; absent = at once. The attempts within the window count. */
  readonly backoff?: Backoff;
  /** Default true. With false the children live on, and the fresh behaviour must not spawn the same names. */
  readonly stopChildren?: boolean;
}

export type SupervisionStrategy =
  | { readonly kind: "resume" }
  | { readonly kind: "restart"; readonly options: RestartOptions }
  | { readonly kind: "stop" }
  | { readonly kind: "escalate" };

export const resume = (): SupervisionStrategy => ({ kind: "resume" });
export const restart = (options: RestartOptions): SupervisionStrategy => ({ kind: "restart", options });
export const stop = (): SupervisionStrategy => ({ kind: "stop" });
export const escalate = (): SupervisionStrategy => ({ kind: "escalate" });

/** When the actor was restarted, boot-time milliseconds, oldest first; only what still counts. */
export type RestartHistory = readonly number[];

export type Verdict =
  | { readonly action: "resume" | "stop" | "escalate" }
  /** `attempt`: how many restarts lie in the window before this one; 0 = the first. */
  | { readonly action: "restart"; readonly attempt: number; readonly options: RestartOptions };

/** Pure and total. A restart counts for `withinMs` after it was decided. */
export function decideFailure(
  strategy: SupervisionStrategy,
  history: RestartHistory,
  nowMs: number,
): { readonly verdict: Verdict; readonly history: RestartHistory } {
  if (strategy.kind !== "restart") return { verdict: { action: strategy.kind }, history };
  const { options } = strategy;
  const counted = history.filter((at) => nowMs - at < options.withinMs);
  if (counted.length >= options.maxRestarts) return { verdict: { action: "escalate" }, history: counted };
  return { verdict: { action: "restart", attempt: counted.length, options }, history: [...counted, nowMs] };
}
