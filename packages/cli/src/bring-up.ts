/** The sentinels of a home, brought up where they are not there, until they can be talked to. */
import { join } from "node:path";
import { bringUpPair, homePaths, pairState } from "@castellan/daemon";
import { CastellanError, createSystemClock, sleep } from "@castellan/kernel";
import { forgetEnded } from "./ended-sentinels.ts";
import { readEndpoints, readSettings } from "./home.ts";
import type { Invocation } from "./invocation.ts";
import { programEntry } from "./program-entry.ts";

/** How long a sentinel may take to come up, milliseconds. */
const WITHIN_MS = 30_000;
const LOOK_MS = 100;

export interface BringUp {
  readonly server: string;
  readonly how: "joined" | "launched";
  /** How long it took until it could be talked to, milliseconds. */
  readonly tookMs: number;
}

export interface BringUpOptions {
  /** As when the host boots: they start the processes if PM_AUTO_BOOT says so. */
  readonly boot?: boolean;
}

/**
 * One home after the other is launched as soon as the first is up: in a new node the first server becomes master. Tells
 * `isUp` of each as it comes. Throws SENTINEL_NOT_UP, or NOT_A_MEMBER when it says that it may not run.
 */
export async function bringUpSentinels(
  io: Invocation["io"],
  homes: readonly string[],
  isUp: (server: BringUp) => void = () => undefined,
  options: BringUpOptions = {},
): Promise<readonly BringUp[]> {
  const [first, ...others] = homes;
  if (first === undefined) return [];
  const bringUp = async (home: string): Promise<BringUp> => {
    const result = await bringUpSentinel(io, home, options);
    isUp(result);
    return result;
  };
  return [await bringUp(first), ...(await Promise.all(others.map(bringUp)))];
}

async function bringUpSentinel(io: Invocation["io"], home: string, { boot = false }: BringUpOptions): Promise<BringUp> {
  const paths = homePaths(home);
  const { server } = await readSettings(home, io.hostName);
  const clock = createSystemClock();
  const startedMs = clock.bootMs();
  const how = bringUpPair(paths, programEntry(), { ...io.env }, boot);
  for (;;) {
    const { worker, watcher, refused } = pairState(paths);
    const tookMs = clock.bootMs() - startedMs;
    if (worker !== null && watcher !== null && readEndpoints(home)?.server === server) {
      forgetEnded(home);
      return { server, how, tookMs };
    }
    if (refused !== null && worker === null && watcher === null) throw new CastellanError("NOT_A_MEMBER", refused);
    if (tookMs > WITHIN_MS) {
      throw new CastellanError(
        "SENTINEL_NOT_UP",
        `the sentinel of ${server} did not come up within ${WITHIN_MS / 1000} s: see ${join(paths.logs, "castellan-worker.log")}`,
      );
    }
    await sleep(clock, LOOK_MS);
  }
}
