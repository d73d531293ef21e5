/**
 * Worker and watcher guard each other by the same rules, as a pure decision over what each sees of the other.
 *
 * P1 A peer that is gone is launched again; nobody launches while the old one may still live.
 * P2 A peer that lives but shows no progress for SILENCE_MS is killed by identity, and its exit awaited, before P1.
 * P3 Whoever was itself not running (frozen, suspended) judges nobody until it has watched for a full silence again.
 * P4 Launches that follow each other closely are spread: the first few at once, then with a growing delay.
 *
 *   absent --(due)--> launched: watching --(silence)--> killing --(gone)--> absent
 *      ^------------------(gone)--------'
 */

/** No progress for this long means hung, milliseconds. */
export const SILENCE_MS = 3000;
/** A fresh peer may take this long to its first progress, milliseconds. */
export const START_GRACE_MS = 15_000;
/** A tick later than this says that we ourselves did not run, milliseconds. */
const OWN_PAUSE_MS = 1000;
const CROWD_MS = 10_000;
const FREE_LAUNCHES = 3;
const MAX_DELAY_MS = 30_000;

export interface PeerGuard {
  readonly phase: "absent" | "watching" | "killing";
  /** Its first progress may be awaited until here, boot-time milliseconds. */
  readonly startUntil: number;
  /** Nobody is judged before. */
  readonly judgeFrom: number;
  readonly lastTickAt: number;
  /** When the recent launches were. */
  readonly launches: readonly number[];
}

export interface PeerObservation {
  /** Its process exists, identity checked. */
  readonly alive: boolean;
  /** When the progress counter of this process last moved, boot-time milliseconds; null = not yet seen. */
  readonly progressAt: number | null;
}

export type PeerAction = "none" | "launch" | "kill";

/** A guard that has just begun; a peer found alive gets a start's grace. */
export function beginGuard(alive: boolean, now: number): PeerGuard {
  const phase = alive ? "watching" : "absent";
  return { phase, startUntil: now + START_GRACE_MS, judgeFrom: now, lastTickAt: now, launches: [] };
}

export function decidePeer(
  guard: PeerGuard,
  seen: PeerObservation,
  now: number,
): { readonly guard: PeerGuard; readonly action: PeerAction } {
  const paused = now - guard.lastTickAt > OWN_PAUSE_MS;
  const judgeFrom = paused ? now + SILENCE_MS : guard.judgeFrom;
  const silentUntil = seen.progressAt === null ? guard.startUntil : seen.progressAt + SILENCE_MS;
  const launches = guard.launches.filter((at) => now - at < CROWD_MS + MAX_DELAY_MS);
  const next: PeerGuard = { ...guard, judgeFrom, lastTickAt: now, launches };

  if (!seen.alive) {
    if (now < launchDue(launches)) return { guard: { ...next, phase: "absent" }, action: "none" };
    return {
      guard: { ...next, phase: "watching", startUntil: now + START_GRACE_MS, launches: [...launches, now] },
      action: "launch",
    };
  }
  if (guard.phase === "absent") {
    // Somebody else brought it back (an operator, systemd): watch that one.
    return { guard: { ...next, phase: "watching", startUntil: now + START_GRACE_MS }, action: "none" };
  }
  if (now < Math.max(silentUntil, judgeFrom)) return { guard: { ...next, phase: "watching" }, action: "none" };
  return { guard: { ...next, phase: "killing" }, action: "kill" };
}

/** When the next launch is allowed: at once for the first few within CROWD_MS, then 250 ms, 500 ms, ... after the last. */
function launchDue(launches: readonly number[]): number {
  const last = launches.at(-1);
  if (last === undefined) return Number.NEGATIVE_INFINITY;
  const crowd = launches.filter((at) => last - at < CROWD_MS).length - FREE_LAUNCHES;
  return crowd < 0 ? Number.NEGATIVE_INFINITY : last + Math.min(MAX_DELAY_MS, 250 * 2 ** Math.min(crowd, 16));
}
