/** `swsvrmgr STATUS [-v]`: the state of the system, and of each process. */
import { status } from "@castellan/admin/read";
import { EXIT } from "../../exit-code.ts";
import { printJson, type Run } from "../../invocation.ts";
import { formatStatusLines } from "../lines.ts";

export const run: Run<[boolean]> = async (invocation, isVerbose) => {
  const report = await status(await invocation.openAdmin());
  const { io } = invocation;
  if (invocation.json) {
    printJson(invocation, report);
    return EXIT.done;
  }
  io.out(`System ${report.node} is ${report.state}\n`);
  if (report.stale) io.err("swsvrmgr: this may be out of date: the bus or the master is away\n");
  if (isVerbose) {
    const lines = report.servers.flatMap(({ id, processes }) => processes.map((one) => ({ ...one, machineId: id })));
    io.out(formatStatusLines(lines, io.columns));
  }
  return EXIT.done;
};
