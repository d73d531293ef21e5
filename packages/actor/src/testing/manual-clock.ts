/** Time that stands still until the test moves it. */
import type { Clock, Timer } from "@castellan/kernel";

export interface ManualClock extends Clock {
  /** Moves time on and fires what falls due, in order, each at its own time. What that starts asynchronously is not waited for. */
  advance(ms: number): void;
  /** Lets everything that is ready run, without moving time: promises, mailboxes, in-memory transports. */
  settle(): Promise<void>;
  /** `advance` in one-timer steps with a `settle` after each: for timers that are set by what earlier ones started. */
  run(ms: number): Promise<void>;
  /** How many timers wait. */
  readonly waiting: number;
}

interface Due {
  readonly atMs: number;
  readonly order: number;
  readonly fire: () => void;
}

/** Rounds of the event loop that `settle` waits: more than any chain of mailbox, promise and transport hops in a test. */
const SETTLE_ROUNDS = 12;

async function settle(): Promise<void> {
  for (let round = 0; round < SETTLE_ROUNDS; round += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** `startMs`: the wall-clock time at the start, milliseconds since the epoch. Boot time starts at 1,000,000 ms. */
export function createManualClock(startMs: number = Date.UTC(2026, 0, 1)): ManualClock {
  const bootAtStartMs = 1_000_000;
  const due = new Set<Due>();
  let elapsedMs = 0;
  let order = 0;

  const next = (untilMs: number): Due | undefined => {
    let first: Due | undefined;
    for (const timer of due) {
      if (timer.atMs > untilMs) continue;
      if (!first || timer.atMs < first.atMs || (timer.atMs === first.atMs && timer.order < first.order)) first = timer;
    }
    return first;
  };
  const fire = (timer: Due): void => {
    elapsedMs = Math.max(elapsedMs, timer.atMs);
    due.delete(timer);
    timer.fire();
  };
  return {
    now: () => new Date(startMs + elapsedMs),
    bootMs: () => bootAtStartMs + elapsedMs,
    after(delayMs, fireIt): Timer {
      order += 1;
      const timer: Due = { atMs: elapsedMs + Math.max(0, delayMs), order, fire: fireIt };
      due.add(timer);
      return { cancel: () => due.delete(timer) };
    },
    advance(ms) {
      const untilMs = elapsedMs + ms;
      for (let timer = next(untilMs); timer !== undefined; timer = next(untilMs)) fire(timer);
      elapsedMs = untilMs;
    },
    settle,
    async run(ms) {
      const untilMs = elapsedMs + ms;
      await settle();
      for (let timer = next(untilMs); timer !== undefined; timer = next(untilMs)) {
        fire(timer);
        await settle();
      }
      elapsedMs = untilMs;
    },
    get waiting() {
      return due.size;
    },
  };
}
