/** The time that a step may take. */
import { CastellanError, type Clock, ensureError } from "@castellan/kernel";

/** The result of `work`, or a `STEP_TIMED_OUT` after `limitMs`; whatever comes later is dropped. */
export function withDeadline<T>(clock: Clock, limitMs: number, work: () => Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = clock.after(limitMs, () => {
      reject(new CastellanError("STEP_TIMED_OUT", `not there after ${limitMs} ms; it may still get there`));
    });
    const settle = (end: () => void): void => {
      timer.cancel();
      end();
    };
    // A defect in `work` itself, thrown before there is a promise, is a failed step too.
    Promise.resolve()
      .then(work)
      .then(
        (value) => settle(() => resolve(value)),
        (error: unknown) => settle(() => reject(ensureError(error))),
      );
  });
}
