/**
 * `castellan reload`: the sentinels of this home begin anew, with what `castellan.yaml` says now; what they keep goes on. So
 * a server's bus becomes reachable for others without a stop.
 */
import { endPair, homePaths, PAIR_GONE_WITHIN_MS, pairState, refuseOtherParameters } from "@castellan/daemon";
import { CastellanError, createSystemClock } from "@castellan/kernel";
import { requireTrust } from "@castellan/trust";
import { bringUpSentinels } from "../bring-up.ts";
import { EXIT } from "../exit-code.ts";
import { readSettings, serverHomes } from "../home.ts";
import { printJson, type Run } from "../invocation.ts";

/** One sentinel after the other. Throws CONFIG_INVALID, PARAMETERS_DIFFER, what `requireTrust` throws, before anything is ended. */
export const run: Run = async (invocation) => {
  const { home, io, json } = invocation;
  const homes = serverHomes(await readSettings(home, io.hostName));
  const { gateway } = await invocation.openAdmin();
  const clock = createSystemClock();
  for (const one of homes) {
    const settings = await readSettings(one, io.hostName);
    const tls = settings.natsServer?.tls ?? null;
    if (tls !== null) requireTrust({ ca: tls.ca, certificate: tls.cert, key: tls.key }, clock.now());
    await refuseOtherParameters({ gateway, settings, paths: homePaths(one) });
  }
  const servers: string[] = [];
  for (const one of homes) {
    const { worker, watcher } = pairState(homePaths(one));
    if (worker === null && watcher === null) {
      throw new CastellanError("NOT_REACHABLE", `no sentinel runs in ${one}: castellan up brings it up`);
    }
    // Never less than a pair needs at most: one that had ended only then would leave its processes to nobody.
    await endPair(homePaths(one), clock, Math.max(invocation.timeoutMs ?? 0, PAIR_GONE_WITHIN_MS));
    const up = await bringUpSentinels(io, [one]);
    servers.push(...up.map(({ server }) => server));
  }
  if (json) printJson(invocation, { reloaded: servers });
  else io.out(`${servers.join(", ")} goes by its settings as they are now\n`);
  return EXIT.done;
};
