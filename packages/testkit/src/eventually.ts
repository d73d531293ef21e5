/**
 * Waiting in tests without sleeping: look again until it holds or the deadline passes, then say what was last seen.
 */
import { CastellanError, ensureError } from "@castellan/kernel";

export interface EventuallyOptions {
  /** Deadline, milliseconds. Default 45 s: a safety net, for a machine that has much else to do. A probe that hangs is given up at the deadline too. */
  readonly withinMs?: number;
  /** Pause between two looks, milliseconds. Default 20. */
  readonly everyMs?: number;
  /** What is being waited for, in words; leads the message of a failure. */
  readonly describe?: string;
}

type Falsy = false | null | 0 | 0n | "";

/**
 * A probe without a result is a body of assertions and holds when it does not throw. One that *may* give `undefined`
 * (`find`, `Map.get`) would hold by accident, so its type is refused: end it with `?? null`.
 */
type Decidable<R> =
  undefined extends Awaited<R>
    ? void extends Awaited<R>
      ? unknown
      : "may be undefined, which would count as success: add `?? null`"
    : unknown;

const PENDING = Symbol("pending");

/**
 * Calls `probe` until it neither throws nor gives a falsy value, and gives that value. `undefined` (nothing returned)
 * counts as success. Throws `EVENTUALLY_FAILED` with the last error or value and the time spent.
 */
export async function eventually<R>(
  probe: (() => R) & Decidable<R>,
  options: EventuallyOptions = {},
): Promise<Exclude<Awaited<R>, Falsy>> {
  const { withinMs = 45_000, everyMs = 20, describe = "condition" } = options;
  const started = performance.now();
  const remaining = (): number => withinMs - (performance.now() - started);
  let last = "never answered";
  let cause: unknown;
  let looks = 0;
  do {
    looks += 1;
    try {
      const value = await beforeDeadline(probe, remaining());
      if (value === PENDING)
        last = looks === 1 ? "the first look never ended" : `${last} (and the last look never ended)`;
      else if (isTruthyOrNothing<Awaited<R>>(value)) return value;
      else {
        last = `last value: ${String(value)}`;
        cause = undefined;
      }
    } catch (thrown) {
      cause = thrown;
      last = `last error: ${ensureError(thrown).message}`;
    }
    await pause(Math.min(everyMs, remaining()));
  } while (remaining() > 0);
  const elapsedMs = Math.round(performance.now() - started);
  throw new CastellanError("EVENTUALLY_FAILED", `${describe}: not within ${elapsedMs} ms (${looks} looks); ${last}`, {
    details: { elapsedMs, looks },
    cause,
  });
}

function isTruthyOrNothing<T>(value: T): value is Exclude<T, Falsy> {
  return value === undefined || Boolean(value);
}

async function beforeDeadline<R>(probe: () => R, ms: number): Promise<Awaited<R> | typeof PENDING> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<typeof PENDING>((resolve) => {
    timer = setTimeout(() => resolve(PENDING), Math.max(1, ms));
  });
  try {
    return await Promise.race([probe(), deadline]);
  } finally {
    clearTimeout(timer);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, Math.max(0, ms));
  });
}
