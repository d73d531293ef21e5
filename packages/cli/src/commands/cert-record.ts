/**
 * `castellan cert record`: a node whose servers showed no certificates, or those of another authority, is to go by what castellan.yaml
 * says now. Plain and secured servers do not meet, so it is done while the node is down.
 */
import { recordInCommon } from "@castellan/admin";
import { differ, homePaths, knownSchemaId, ownParameters } from "@castellan/daemon";
import { parameterDifferences, readParameters } from "@castellan/store";
import { EXIT } from "../exit-code.ts";
import { readSettings, serverHomes } from "../home.ts";
import { printJson, type Run } from "../invocation.ts";

/** Of what is recorded, what may be changed so: who a node is, and which bus it has, are no matter of trust. */
const OF_TRUST: readonly string[] = ["trust_root", "accounts"];

export const run: Run = async (invocation) => {
  const { home, io, json } = invocation;
  const [own = home] = serverHomes(await readSettings(home, io.hostName));
  const settings = await readSettings(own, io.hostName);
  const ctx = await invocation.openAdmin();
  const parameters = ownParameters(settings, await knownSchemaId(homePaths(own)));
  const differences = parameterDifferences(await readParameters(ctx.gateway), parameters);
  if (differences.some(({ name }) => !OF_TRUST.includes(name))) throw differ(settings.server, differences);
  if (differences.length > 0) await recordInCommon(ctx, differences);
  if (json) printJson(invocation, { recorded: Object.fromEntries(differences.map(({ name, own: to }) => [name, to])) });
  else if (differences.length === 0) io.out("recorded already: nothing was changed\n");
  else {
    const lines = differences.map(({ name, recorded, own: to }) => `  ${name}: ${recorded} -> ${to}\n`);
    io.out(`every server of node ${ctx.node} must have from now on:\n${lines.join("")}then, on each: castellan up\n`);
  }
  return EXIT.done;
};
