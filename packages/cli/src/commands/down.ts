/** `castellan down`: stops all processes in order, then the sentinels, then waits until this server's are gone. */
import { type AdminContext, remoteActors } from "@castellan/admin";
import { status } from "@castellan/admin/read";
import { endEmbeddedNats, type HomePaths, homePaths, pairState } from "@castellan/daemon";
import { CastellanError, sleep } from "@castellan/kernel";
import { Sentinel } from "@castellan/protocol";
import { bringUpSentinel } from "../bring-up.ts";
import { EXIT } from "../exit-code.ts";
import { type Invocation, printJson, type Run } from "../invocation.ts";
import { runOperation } from "./operation.ts";

const STOP_ASK_MS = 10_000;
const GONE_WITHIN_MS = 30_000;
const LOOK_MS = 50;
const RUNNING_LOOK_MS = 250;

export const run: Run = async (invocation) =>
  await takeDown(invocation, await invocation.openAdmin(), homePaths(invocation.home));

/** Nothing runs, and nobody is to run it. */
export async function hasEndedInOrder(ctx: AdminContext): Promise<boolean> {
  return (await status(ctx)).state === "STOPPED";
}

/** Processes may have outlived their sentinel: then it is brought back, for only it knows how to stop them. */
export async function takeDown(invocation: Invocation, ctx: AdminContext, paths: HomePaths): Promise<number> {
  const { worker, watcher } = pairState(paths);
  if (worker === null && watcher === null) {
    if (await hasEndedInOrder(ctx)) {
      const hadNats = await endEmbeddedNats(paths, ctx.clock);
      const also = hadNats ? "; only its nats-server ran, and has been ended" : "";
      finish(invocation, `the node is down already${also}`);
      return EXIT.done;
    }
    if (!invocation.json) invocation.io.out("the sentinel is gone: bringing it back to stop what it kept\n");
    await bringUpSentinel(invocation);
  }
  const report = await runOperation(invocation, ctx, "shutdown", {});
  if (report.state !== "done") {
    if (invocation.json) printJson(invocation, report);
    else invocation.io.err("castellan: not everything stopped: the sentinel goes on looking after it\n");
    return EXIT.refused;
  }
  const deadline = ctx.clock.bootMs() + GONE_WITHIN_MS;
  for (const { name } of (await status(ctx)).servers) await stopSentinel(ctx, name, deadline);
  for (let pair = pairState(paths); pair.worker !== null || pair.watcher !== null; pair = pairState(paths)) {
    if (ctx.clock.bootMs() > deadline) {
      throw new CastellanError("TIMED_OUT", "the processes are stopped, but the sentinel has not ended yet", {
        details: { ...pair },
      });
    }
    await sleep(ctx.clock, LOOK_MS);
  }
  finish(invocation, "the node is down");
  return EXIT.done;
}

/** A process that is no longer defined may still be ending: its sentinel stays until it has. */
async function stopSentinel(ctx: AdminContext, host: string, deadline: number): Promise<void> {
  const sentinel = remoteActors(ctx).remote(Sentinel, { host });
  for (;;) {
    try {
      await sentinel.ask({ type: "Stop", by: ctx.user }, { timeoutMs: STOP_ASK_MS });
      return;
    } catch (thrown) {
      const code = thrown instanceof CastellanError ? thrown.code : "";
      if (code === "NOT_REACHABLE" || code === "ASK_TIMEOUT" || code === "TIMED_OUT") return; // ending already
      if (code !== "PROCESSES_RUNNING" || ctx.clock.bootMs() > deadline) throw thrown;
      await sleep(ctx.clock, RUNNING_LOOK_MS);
    }
  }
}

function finish(invocation: Invocation, message: string): void {
  if (invocation.json) printJson(invocation, { down: true, message });
  else invocation.io.out(`${message}\n`);
}
