/** Ending the sentinel of this server, while no process of it runs, until both its parts are gone. */
import { type AdminContext, remoteActors } from "@castellan/admin";
import { type HomePaths, PAIR_GONE_WITHIN_MS, pairState } from "@castellan/daemon/pair";
import { CastellanError, sleep } from "@castellan/kernel";
import { Sentinel } from "@castellan/protocol";

const ASK_MS = 10_000;
const LOOK_MS = 50;

/** Rejects with PROCESSES_RUNNING, NOT_REACHABLE, TIMED_OUT. */
export async function endSentinel(
  ctx: AdminContext,
  server: string,
  paths: HomePaths,
  timeoutMs: number | null,
): Promise<void> {
  const deadline = ctx.clock.bootMs() + (timeoutMs ?? PAIR_GONE_WITHIN_MS);
  const sentinel = remoteActors(ctx).remote(Sentinel, { host: server });
  await sentinel.ask({ type: "Stop", by: ctx.user }, { timeoutMs: Math.min(ASK_MS, timeoutMs ?? ASK_MS) });
  for (let pair = pairState(paths); pair.worker !== null || pair.watcher !== null; pair = pairState(paths)) {
    if (ctx.clock.bootMs() > deadline) {
      throw new CastellanError("TIMED_OUT", `the sentinel of ${server} has not ended yet`, { details: { ...pair } });
    }
    await sleep(ctx.clock, LOOK_MS);
  }
}
