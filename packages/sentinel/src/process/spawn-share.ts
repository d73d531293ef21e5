/**
 * The share that spawning has of the event loop. A spawn holds it up for milliseconds, on a busy host for tens of them: a
 * hundred at once would keep this program from everything else for so long that its watcher took it for hung.
 */
import type { Clock } from "@castellan/kernel";

/** Spawns one after the other without a turn for anything else take no longer than this and one more, milliseconds. */
const MOST_MS = 100;

/** Runs each `spawn` it is given: at once, or when its turn has come. */
export function createSpawnShare(clock: Pick<Clock, "bootMs">): <R>(spawn: () => Promise<R>) => Promise<R> {
  let sinceMs: number | null = null;
  let pause: Promise<void> | null = null;
  const nextTurn = (): Promise<void> =>
    new Promise((resolve) =>
      setImmediate(() => {
        sinceMs = null;
        pause = null;
        resolve();
      }),
    );
  const isUsedUp = (): boolean => sinceMs !== null && clock.bootMs() - sinceMs >= MOST_MS;
  return async (spawn) => {
    while (pause !== null || isUsedUp()) {
      pause ??= nextTurn();
      await pause;
    }
    if (sinceMs === null) {
      sinceMs = clock.bootMs();
      void nextTurn();
    }
    return await spawn();
  };
}
