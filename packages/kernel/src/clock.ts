/**
 * Time as a parameter. Durations are measured on the boot-time clock (it counts suspend, ignores wall-clock jumps);
 * the wall clock is for display only.
 */

/** Cancels what a clock has scheduled. Cancelling twice, or after it fired, does nothing. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Wall-clock time, for display and for timestamps in rows. Never for measuring. */
  now(): Date;
  /** Milliseconds since the host booted, suspend included. Comparable between processes of one host. */
  bootMs(): number;
  /** Calls `fire` once after at least `delayMs` milliseconds. */
  after(delayMs: number, fire: () => void): Timer;
}

/** Waits on a clock; resolves early when the signal aborts (it never rejects: the caller looks at the signal). */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) {
      resolve();
      return;
    }
    const done = (): void => {
      timer.cancel();
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = clock.after(delayMs, done);
    signal?.addEventListener("abort", done, { once: true });
  });
}
