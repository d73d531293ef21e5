/**
 * The last call of a behaviour: `done` hears of its end with the problem if there was one; now, or when its promise ends,
 * or when patience does. Returns the timer of that patience when there is something to wait for.
 */
import type { Clock, Timer } from "@castellan/kernel";
import type { Signals } from "../actor.ts";

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
