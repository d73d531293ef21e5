/** The sentinel of a home, brought up if it is not there, until it can be talked to. */
import { join } from "node:path";
import { bringUpPair, homePaths, pairState } from "@castellan/daemon";
import { CastellanError, createSystemClock, sleep } from "@castellan/kernel";
import { readEndpoints, readSettings } from "./home.ts";
import type { Invocation } from "./invocation.ts";
import { programEntry } from "./program-entry.ts";

/** How long the sentinel may take to come up, milliseconds. */
const WITHIN_MS = 30_000;
const LOOK_MS = 100;

/** Answers, and tells `begun` before the wait, whether it was there. Throws SENTINEL_NOT_UP. */
export async function bringUpSentinel(
  { io, home }: Pick<Invocation, "io" | "home">,
  begun: (how: "joined" | "launched") => void = () => undefined,
): Promise<"joined" | "launched"> {
  const paths = homePaths(home);
  const { server } = await readSettings(home, io.hostName);
  const clock = createSystemClock();
  const how = bringUpPair(paths, programEntry(), { ...io.env });
  begun(how);
  const deadline = clock.bootMs() + WITHIN_MS;
  for (;;) {
    const { worker, watcher } = pairState(paths);
    if (worker !== null && watcher !== null && readEndpoints(home)?.server === server) return how;
    if (clock.bootMs() > deadline) {
      throw new CastellanError(
        "SENTINEL_NOT_UP",
        `the sentinel did not come up within ${WITHIN_MS / 1000} s: see ${join(paths.logs, "castellan-worker.log")}`,
      );
    }
    await sleep(clock, LOOK_MS);
  }
}
