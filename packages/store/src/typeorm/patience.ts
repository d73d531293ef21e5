/** Trying again what may succeed in a moment: with growing pauses, within a budget, one unit of work at a time. */
import { type Backoff, backoffMs, type Clock, type Rng, sleep } from "@castellan/kernel";
import { StoreUnavailable } from "../errors.ts";

export interface Patience {
  readonly clock: Clock;
  readonly rng: Pick<Rng, "next">;
}

const PAUSES: Backoff = { firstMs: 2, maxMs: 50, jitter: 0.5 };

/**
 * The first result of `work`, or its last failure. `worthMs` says how long after the first failure such a one is still worth
 * another attempt, milliseconds; 0 = it is thrown on at once. However long the first attempt took, there is a second one.
 */
export async function patiently<R>(
  { clock, rng }: Patience,
  worthMs: (thrown: unknown) => number,
  work: () => R | Promise<R>,
): Promise<R> {
  let failedMs: number | null = null;
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await work();
    } catch (thrown) {
      failedMs ??= clock.bootMs();
      if (clock.bootMs() - failedMs >= worthMs(thrown)) throw thrown;
      await sleep(clock, backoffMs(PAUSES, attempt, rng));
    }
  }
}

export interface LineLimits {
  /** More than this waiting is an overload that waiting does not cure. */
  readonly bound: number;
  /** Whoever has waited longer than this for those before it is refused when its turn comes, milliseconds. */
  readonly waitMs: number;
}

export interface Line {
  /** Throws `StoreUnavailable`, with nothing done, when the line is too long or too slow. */
  enter<R>(work: () => Promise<R>): Promise<R>;
  /** After all that are in line already; never refused. */
  afterAll<R>(work: () => Promise<R>): Promise<R>;
}

/**
 * Runs units of work one after another, in the order of the calls. Commits go through it, so that waiting for a lock stops
 * the program for one busy wait at a time, not for one per caller. A database that answers nothing costs each of them its
 * whole budget: those at the end of the line do not wait for the sum.
 */
export function createLine(clock: Pick<Clock, "bootMs">, { bound, waitMs }: LineLimits): Line {
  let waiting = 0;
  let last: Promise<unknown> = Promise.resolve();
  const afterAll: Line["afterAll"] = (work) => {
    waiting += 1;
    const done = last.then(work).finally(() => {
      waiting -= 1;
    });
    // The line goes on after a failure; the failure itself reaches the caller through `done`.
    last = done.catch(() => undefined);
    return done;
  };
  return {
    afterAll,
    async enter(work) {
      if (waiting >= bound) {
        throw new StoreUnavailable(`${bound} commits are waiting already: the database does not keep up`, {
          details: { bound },
        });
      }
      const came = clock.bootMs();
      return await afterAll(async () => {
        if (clock.bootMs() - came <= waitMs) return await work();
        throw new StoreUnavailable(
          `the commits before this one took more than ${waitMs} ms: the database does not keep up`,
          {
            details: { waitMs },
          },
        );
      });
    },
  };
}
