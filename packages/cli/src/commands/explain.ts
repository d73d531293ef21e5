/** `castellan explain [SERVER] TYPE [N]`: why a process is in the state it is in. */
import { explain, processWords } from "@castellan/admin";
import { EXIT } from "../exit-code.ts";
import { formatExplanation } from "../format/explanation.ts";
import { createStyle } from "../format/style.ts";
import { printJson, type Run } from "../invocation.ts";

export const run: Run<[readonly string[]]> = async (invocation, words) => {
  const { io, json } = invocation;
  const query = processWords(words);
  const ctx = await invocation.openAdmin();
  const explanation = await explain(ctx, query);
  if (json) printJson(invocation, explanation);
  else {
    const layout = { style: createStyle(io.outColour), columns: io.columns, now: ctx.clock.now() };
    io.out(formatExplanation(explanation, layout));
  }
  return EXIT.done;
};
