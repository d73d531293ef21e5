/** Ends the pair of a home for a while: what it keeps runs on, and the next pair adopts it. */
import { CastellanError, type Clock, sleep } from "@castellan/kernel";
import { createProcReader } from "@castellan/sentinel/pair";
import type { HomePaths } from "../home-paths.ts";
import { livingPart, signalExactly } from "./part.ts";

const LOOK_MS = 50;

/**
 * True when there was one. Rejects with TIMED_OUT. Each part is told once, for a second SIGTERM would not let it end in order; and a
 * worker only where there is no watcher to tell it.
 */
export async function endPair(paths: HomePaths, clock: Clock, withinMs: number): Promise<boolean> {
  const proc = createProcReader();
  const deadline = clock.bootMs() + withinMs;
  const told = new Set<number>();
  for (;;) {
    const part = livingPart(paths, "watcher", proc) ?? livingPart(paths, "worker", proc);
    if (part === null) return told.size > 0;
    if (clock.bootMs() > deadline) {
      throw new CastellanError("TIMED_OUT", `the sentinel of ${paths.home} has not ended yet (${part.pid})`, {
        details: { home: paths.home, pid: part.pid },
      });
    }
    if (!told.has(part.pid)) signalExactly(proc, part, "SIGTERM");
    told.add(part.pid);
    await sleep(clock, LOOK_MS);
  }
}
