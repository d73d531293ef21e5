/** `castellan recover --epoch N`: a node goes on whose database has forgotten its last changes of master. */
import { recoverEpoch } from "@castellan/admin";
import { EXIT } from "../exit-code.ts";
import { printJson, type Run } from "../invocation.ts";

export const run: Run<[{ epoch: number }]> = async (invocation, { epoch }) => {
  const recovered = await recoverEpoch(await invocation.openAdmin(), epoch);
  if (invocation.json) printJson(invocation, recovered);
  else {
    invocation.io.out(`the epoch is ${recovered.epoch} (was ${recovered.before}): a sentinel takes the next one\n`);
  }
  return EXIT.done;
};
