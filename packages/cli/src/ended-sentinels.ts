/**
 * Sentinels that are ended for a while and come back: what they keep runs on meanwhile. Of each there is a note in its home from before it
 * is ended until it is there again, so that whoever ends them may be killed at any point: the next one knows whom to bring back.
 */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { endPair, homePaths, PAIR_GONE_WITHIN_MS, pairState, writeDurably } from "@castellan/daemon";
import type { Clock } from "@castellan/kernel";

const noteOf = (home: string): string => join(homePaths(home).run, "ended");

/** Those that live. Throws TIMED_OUT. */
export async function endSentinels(homes: readonly string[], clock: Clock): Promise<void> {
  for (const home of homes) {
    const paths = homePaths(home);
    const { worker, watcher } = pairState(paths);
    if (worker === null && watcher === null) continue;
    await writeDurably(noteOf(home), "its sentinel was ended for a while, and is to come back\n");
    await endPair(paths, clock, PAIR_GONE_WITHIN_MS);
  }
}

/** Those that have not come back yet. */
export const endedSentinels = (homes: readonly string[]): readonly string[] =>
  homes.filter((home) => existsSync(noteOf(home)));

/** It is there again. */
export const forgetEnded = (home: string): void => rmSync(noteOf(home), { force: true });
