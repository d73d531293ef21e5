/** `swstart -p`, `swstop -p`: the sentinels of this home, without a word about its processes. */
import { type AdminContext, effectiveAttributes } from "@castellan/admin";
import { homePaths, pairState } from "@castellan/daemon/pair";
import { bringUpSentinels } from "../../bring-up.ts";
import { endSentinel } from "../../end-sentinel.ts";
import { EXIT } from "../../exit-code.ts";
import { readSettings, serverHomes } from "../../home.ts";
import { printJson, type Run } from "../../invocation.ts";

export const start: Run = async (invocation) => {
  const { io, home, json } = invocation;
  const ctx = await invocation.openAdmin();
  const homes = serverHomes(await readSettings(home, io.hostName));
  for (const { server, how } of await bringUpSentinels(io, homes, () => undefined, { boot: true })) {
    const startsProcesses = how === "launched" && (await bootsProcesses(ctx, server));
    if (json) printJson(invocation, { server, how, startsProcesses });
    else {
      io.out(`Process Sentinels on ${server} ${how === "joined" ? "are running already" : "have been started"}\n`);
      if (startsProcesses) io.out("PM_AUTO_BOOT is 1: they start the processes\n");
    }
  }
  return EXIT.done;
};

async function bootsProcesses(ctx: AdminContext, server: string): Promise<boolean> {
  const attributes = await effectiveAttributes(ctx, { server });
  return attributes.find(({ name }) => name === "PM_AUTO_BOOT")?.value !== "0";
}

export const stop: Run = async (invocation) => {
  const { io, home, json } = invocation;
  for (const one of serverHomes(await readSettings(home, io.hostName)).toReversed()) {
    const paths = homePaths(one);
    const { server } = await readSettings(one, io.hostName);
    const { worker, watcher } = pairState(paths);
    const ran = worker !== null || watcher !== null;
    if (ran) await endSentinel(await invocation.openAdmin(), server, paths, invocation.timeoutMs);
    if (json) printJson(invocation, { server, stopped: ran });
    else io.out(`Process Sentinels on ${server} ${ran ? "have been stopped" : "are not running"}\n`);
  }
  return EXIT.done;
};
