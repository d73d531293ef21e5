/** `castellan schema print --dialect D [--from VERSION]`: the migrations as a script. No node is needed. */
import { type DialectName, schemaScript } from "@castellan/store/typeorm";
import { EXIT } from "../exit-code.ts";
import { printJson, type Run } from "../invocation.ts";

export const run: Run<[{ readonly dialect: DialectName; readonly from?: number }]> = async (
  invocation,
  { dialect, from = 0 },
) => {
  const script = await schemaScript(dialect, from);
  if (invocation.json) printJson(invocation, script);
  else invocation.io.out(script.text);
  return EXIT.done;
};
