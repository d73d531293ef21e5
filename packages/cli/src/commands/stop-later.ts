/** `castellan stop --notice SECONDS`: the whole node, once everybody has had time to finish. */
import { CastellanError } from "@castellan/kernel";
import { EXIT } from "../exit-code.ts";
import { printJson, type Run } from "../invocation.ts";
import { awaitForcedStop, sayNotice } from "../notice.ts";
import { followOperation } from "./operation.ts";

export const run: Run<[number, string | undefined]> = async (invocation, seconds, server) => {
  if (server !== undefined) {
    throw new CastellanError("USAGE", "--notice is for the whole node: leave the server out");
  }
  const ctx = await invocation.openAdmin();
  const operationId = await awaitForcedStop(invocation, ctx, await sayNotice(invocation, ctx, seconds));
  if (operationId === null) return EXIT.done;
  const report = await followOperation(invocation, ctx, operationId);
  if (invocation.json) printJson(invocation, report);
  return report.state === "done" ? EXIT.done : EXIT.refused;
};
