/**
 * How often a process that keeps dying is brought back, and when that is given up. Pure arithmetic.
 *
 * W1 Attempts are counted over the time the process was up, not over the time we made it wait: with a back-off longer
 *    than the window, waiting would otherwise forgive every death.
 * W2 So a run of at least the window's length leaves no attempt counted: it resets the count and the back-off.
 * W3 The list of attempts is bounded, whatever the policy says.
 */
import type { Backoff } from "@castellan/kernel";

/** From PROCESS_AUTO_RESTARTS, PROCESS_MAX_RESTARTS and PROCESS_MIN_RESTART_PERIOD of the instance. */
export interface RestartPolicy {
  readonly autoRestarts: boolean;
  /** Attempts within the window; one death more suspends. 0 = never give up. */
  readonly maxRestarts: number;
  readonly windowMs: number;
}

/** The attempts that still count, each as milliseconds of running since it was made, oldest first. */
export type RestartWindow = readonly number[];

export type RestartVerdict =
  /** `attempt`: 0 = at once, otherwise the position in the back-off, from 1. */
  | { readonly restart: true; readonly attempt: number; readonly window: RestartWindow }
  | { readonly restart: false; readonly why: string; readonly window: RestartWindow };

/** The wait before attempt 1, 2, ... (attempt 0 waits for nothing): 1 s, 2 s, 4 s .. 30 s. */
export const RESTART_BACKOFF: Backoff = { firstMs: 1000, maxMs: 30_000, factor: 2, jitter: 0.1 };

const MOST_KEPT = 1000;

/** With attempts that a killed worker could not write down any more; since the last one it wrote, `ranMs` have passed. */
export function countUnseen(window: RestartWindow, attempts: number, ranMs: number): RestartWindow {
  if (attempts <= 0) return window;
  const unseen = Array.from({ length: Math.min(attempts, MOST_KEPT) }, () => 0);
  return [...window.map((age) => age + Math.max(0, ranMs)), ...unseen].slice(-MOST_KEPT);
}

/** What to do about a process that has died after `ranMs` of running (0 = it could not even be launched). */
export function decideRestart(policy: RestartPolicy, window: RestartWindow, ranMs: number): RestartVerdict {
  const counted = window.map((age) => age + Math.max(0, ranMs)).filter((age) => age < policy.windowMs);
  if (!policy.autoRestarts) {
    return { restart: false, why: "automatic restarts are off (PROCESS_AUTO_RESTARTS is 0)", window: counted };
  }
  if (policy.maxRestarts > 0 && counted.length >= policy.maxRestarts) {
    const seconds = Math.round(policy.windowMs / 1000);
    return { restart: false, why: `died ${counted.length + 1} times within ${seconds} s`, window: counted };
  }
  return { restart: true, attempt: counted.length, window: [...counted, 0].slice(-MOST_KEPT) };
}
