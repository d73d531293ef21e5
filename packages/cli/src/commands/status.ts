/** `castellan status`: how the node is; with `--watch` again each second. */
import { type SentinelHere, status } from "@castellan/admin/read";
import { homePaths, pairState } from "@castellan/daemon/pair";
import { CastellanError, sleep } from "@castellan/kernel";
import { EXIT } from "../exit-code.ts";
import { formatStatus } from "../format/status.ts";
import { createStyle } from "../format/style.ts";
import { readEndpoints, readSettings, serverHomes } from "../home.ts";
import { type Invocation, printJson, type Run } from "../invocation.ts";

const REDRAW_MS = 1000;
/** Clears the screen and goes to its top. */
const CLEAR = "\u001b[H\u001b[2J\u001b[3J";

export const run: Run<[{ readonly watch?: boolean }]> = async (invocation, { watch = false }) => {
  if (!watch) {
    await show(invocation, "");
    return EXIT.done;
  }
  const { clock } = await invocation.openAdmin();
  const { interrupted, isTerminal } = invocation.io;
  while (!interrupted.aborted) {
    try {
      await show(invocation, isTerminal ? CLEAR : "");
    } catch (thrown) {
      // The node comes and goes while somebody watches; only what cannot get better ends it.
      if (!(thrown instanceof CastellanError && thrown.retryable)) throw thrown;
      invocation.io.err(`castellan: ${thrown.message}\n`);
    }
    await sleep(clock, REDRAW_MS, interrupted);
  }
  return EXIT.done;
};

async function show(invocation: Invocation, before: string): Promise<void> {
  const ctx = await invocation.openAdmin();
  const report = await status(ctx, await sentinelsHere(invocation));
  if (invocation.json) {
    printJson(invocation, report);
    return;
  }
  const { io } = invocation;
  const layout = { style: createStyle(io.outColour), columns: io.columns, now: ctx.clock.now() };
  io.out(`${before}${formatStatus(report, layout)}`);
}

/** The parts of the sentinels of this home, where sentinels have run. */
async function sentinelsHere({ home, io }: Invocation): Promise<readonly SentinelHere[]> {
  return serverHomes(await readSettings(home, io.hostName)).flatMap((one) => {
    const server = readEndpoints(one)?.server ?? null;
    if (server === null) return [];
    const { worker, watcher } = pairState(homePaths(one));
    return [{ server, workerPid: worker, watcherPid: watcher }];
  });
}
