/** How an actor's life ends: its children first, then its own last call. */
import type { Clock, Timer } from "@castellan/kernel";
import type { Signals } from "./behavior.ts";
import type { TerminationReason } from "./ref.ts";

/** Something that can be ended, and says when it is gone. */
interface Stoppable {
  stop(reason: TerminationReason, onEnd: () => void): void;
}

/** Youngest first, each gone before the next is told. A loop, for there may be thousands. */
export function stopYoungestFirst(left: Stoppable[], done: () => void): void {
  for (let child = left.pop(); child !== undefined; child = left.pop()) {
    let waiting = false;
    let gone = false;
    child.stop("stopped", () => {
      gone = true;
      if (waiting) stopYoungestFirst(left, done);
    });
    waiting = true;
    if (!gone) return;
  }
  done();
}

/**
 * Gives the behaviour its last call, and `done` the problem if there was one: now, or when its promise ends, or when
 * patience does. Returns the timer of that patience when there is something to wait for.
 */
export function callStopping(
  stopping: Signals["stopping"],
  why: "stopped" | "restarting",
  clock: Clock,
  patienceMs: number,
  done: (problem?: unknown) => void,
): Timer | null {
  let pending: void | Promise<void>;
  try {
    pending = stopping?.(why);
  } catch (thrown) {
    done(thrown);
    return null;
  }
  if (!(pending instanceof Promise)) {
    done();
    return null;
  }
  let over = false;
  const finish = (problem?: unknown): void => {
    if (over) return;
    over = true;
    timer.cancel();
    done(problem);
  };
  const timer = clock.after(patienceMs, () => finish("not done in time"));
  pending.then(() => finish(), finish);
  return timer;
}
