/** What runs on a server that goes while its node goes on. */
import type { AdminContext } from "@castellan/admin";
import { status } from "@castellan/admin/read";
import { sleep } from "@castellan/kernel";
import type { OperationReport } from "@castellan/protocol";
import { readNodeView } from "@castellan/store";
import { goingAlong, handOver } from "./hand-over.ts";
import type { Invocation } from "./invocation.ts";
import { runPatiently } from "./run-patiently.ts";

/** A server that is made master while it goes down hands over as often as this. */
const MOST_HAND_OVERS = 5;
const RUNNING_LOOK_MS = 250;

/** It is the last to go: the others are told apart by it. */
export const masterOf = async (ctx: AdminContext): Promise<string | null> => (await status(ctx)).master;

/**
 * Of several servers one goes: as master it hands over first, and once more if another one that goes made it master
 * meanwhile. `isVain`: nobody will answer any more.
 */
export async function shutDownServer(
  invocation: Invocation,
  ctx: AdminContext,
  server: string,
  isVain: () => Promise<boolean>,
): Promise<OperationReport> {
  for (let handOvers = 1; ; handOvers += 1) {
    const wasMaster = (await masterOf(ctx)) === server;
    const nobodyStays = wasMaster && !(await handOver(invocation, ctx, server));
    const isLast = nobodyStays || handOvers >= MOST_HAND_OVERS;
    try {
      const report = await runPatiently(invocation, ctx, "shutdown", { server }, { isVain });
      if (report.state !== "done" || isLast || (await masterOf(ctx)) !== server) return report;
    } catch (thrown) {
      // What had just come here with mastership is needed elsewhere, and goes on to the next master.
      if (isLast || !(await hasForeground(ctx, server))) throw thrown;
      await sleep(ctx.clock, RUNNING_LOOK_MS);
    }
  }
}

async function hasForeground(ctx: AdminContext, server: string): Promise<boolean> {
  return goingAlong(await readNodeView(ctx.gateway), server, "").length > 0;
}
