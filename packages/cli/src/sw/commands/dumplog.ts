/** `swsvrmgr DUMPLOG [target]`: the last output of processes, put away on their servers. */
import { dumpLog, selectProcesses } from "@castellan/admin";
import { status } from "@castellan/admin/read";
import { CastellanError } from "@castellan/kernel";
import { processLabel } from "@castellan/protocol";
import { EXIT } from "../../exit-code.ts";
import { printJson, type Run } from "../../invocation.ts";
import { targetOf } from "../../target.ts";

export const run: Run<[readonly (string | undefined)[]]> = async (invocation, [server, type, instance]) => {
  const ctx = await invocation.openAdmin();
  const meant = selectProcesses(await status(ctx), targetOf(server, type, instance));
  let isComplete = true;
  for (const one of meant) {
    try {
      const file = await dumpLog(ctx, { server: one.server, type: one.type, instance: one.instance });
      const { machineId, type: name, instance: number } = one;
      if (invocation.json) printJson(invocation, { server: one.server, machineId, type: name, instance: number, file });
      else invocation.io.out(`${processLabel(one)}: ${file}\n`);
    } catch (thrown) {
      // One that has not begun to print does not hide the others.
      if (meant.length === 1 || !(thrown instanceof CastellanError)) throw thrown;
      if (thrown.code !== "NO_OUTPUT") isComplete = false;
      invocation.io.err(`swsvrmgr: ${processLabel(one)}: ${thrown.message}\n`);
    }
  }
  return isComplete ? EXIT.done : EXIT.refused;
};
