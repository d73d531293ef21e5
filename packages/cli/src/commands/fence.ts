/** `castellan fence SERVER --confirmed`: a person's word that nothing runs on a lost server any more. */
import { fenceServer } from "@castellan/admin";
import { EXIT } from "../exit-code.ts";
import { printJson, type Run } from "../invocation.ts";

export const run: Run<[string, boolean]> = async (invocation, typed, confirmed) => {
  const fenced = await fenceServer(await invocation.openAdmin(), typed, confirmed);
  if (invocation.json) printJson(invocation, fenced);
  else if (fenced.wasOver) invocation.io.out(`${fenced.server}: what ran there was over already\n`);
  else invocation.io.out(`${fenced.server} is fenced: what ran there is started elsewhere\n`);
  return EXIT.done;
};
