/**
 * The next watcher takes the place of the pair that lives in its home: it ends that pair, and goes on like every watcher. One at a
 * time: of two that were asked for, the second finds the first at it, or what it was for done, and leaves.
 */
import { type Clock, ensureError, type Logger, PROGRAM_VERSION } from "@castellan/kernel";
import type { ProcReader } from "@castellan/sentinel/pair";
import type { HomePaths } from "../home-paths.ts";
import { takeLock } from "../lock.ts";
import { endPair } from "../pair/end-pair.ts";
import { forgetMark, makeMark } from "../pair/exchange-mark.ts";
import { identify, livingPart, livingRelease } from "../pair/part.ts";

/** How long the pair that is exchanged may take to end, milliseconds: well more than each of its parts takes at most (`ending.ts`). */
const EXCHANGE_WAIT_MS = 60_000;

export interface ExchangeRim {
  readonly paths: HomePaths;
  readonly clock: Clock;
  readonly log: Logger;
  readonly proc: ProcReader;
}

/** Who has taken the place calls `done`. Null: the place is another's to take, or was taken. What the pair keeps runs on. */
export async function takePlace({ paths, clock, log, proc }: ExchangeRim): Promise<{ done(): void } | null> {
  const lock = await takeLock(`${paths.run}/exchange.lock`, clock, 0);
  if (lock === null) {
    log.info("another exchange of this pair is under way");
    return null;
  }
  if (isOfThisRelease(paths, proc)) {
    log.info("this pair has been exchanged already", { release: PROGRAM_VERSION });
    lock.release();
    return null;
  }
  log.info("exchanging the pair", { release: PROGRAM_VERSION });
  const self = identify(proc, process.pid);
  if (self !== null) makeMark(paths, self);
  try {
    await endPair(paths, clock, EXCHANGE_WAIT_MS);
  } catch (thrown) {
    log.error("the pair could not be exchanged", { error: ensureError(thrown) });
    if (parts.some((part) => livingPart(paths, part, proc) !== null)) forgetMark(paths, proc); // it goes on
    throw thrown;
  }
  return { done: () => lock.release() };
}

const parts = ["watcher", "worker"] as const;

/** Both: a watcher that was brought back after another release was installed has a worker of the old one. */
const isOfThisRelease = (paths: HomePaths, proc: ProcReader): boolean =>
  livingPart(paths, "watcher", proc) !== null &&
  parts.every((part) => livingPart(paths, part, proc) === null || livingRelease(paths, part, proc) === PROGRAM_VERSION);
