/** `castellan actors SERVER`: what runs inside that server's sentinel. */
import { inspectActors } from "@castellan/admin";
import { EXIT } from "../exit-code.ts";
import { formatActors } from "../format/actors.ts";
import { createStyle } from "../format/style.ts";
import { printJson, type Run } from "../invocation.ts";

const ANSWER_MS = 5000;

export const run: Run<[string]> = async (invocation, server) => {
  const ctx = await invocation.openAdmin();
  const report = await inspectActors(ctx, server, invocation.timeoutMs ?? ANSWER_MS);
  if (invocation.json) printJson(invocation, report);
  else invocation.io.out(formatActors(report, createStyle(invocation.io.outColour), invocation.io.columns));
  return EXIT.done;
};
