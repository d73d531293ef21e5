/** Puts together what the keepers of one server share, on the real system. */
import type { Clock, Logger } from "@castellan/kernel";
import { createCutHead } from "../output/cut-head.ts";
import { createOutputTrim } from "../output/output-trim.ts";
import type { SentinelIdentity } from "../ports.ts";
import { createDeathWatch } from "./death-watch.ts";
import { createProcessGroups, type Kill } from "./group.ts";
import { createProcReader } from "./identity.ts";
import type { KeeperWorld } from "./keeper-deps.ts";
import { createLauncher } from "./launch.ts";
import { createRecordStore } from "./record.ts";
import { createStrays } from "./strays.ts";

export interface KeeperWorldDeps
  extends Pick<KeeperWorld, "status" | "events" | "alerts" | "messages" | "baseEnv" | "grants"> {
  readonly identity: SentinelIdentity;
  readonly log: Logger;
  readonly clock: Clock;
}

const systemKill: Kill = (pid, signal) => void process.kill(pid, signal);

/** Throws where there is no /proc: only Linux has what keepers need. */
export function createKeeperWorld(deps: KeeperWorldDeps): KeeperWorld {
  const { identity, baseEnv, log, clock } = deps;
  const proc = createProcReader();
  return {
    ...deps,
    proc,
    groups: createProcessGroups(proc, createStrays(proc, clock), clock, systemKill),
    deaths: createDeathWatch(proc, clock, systemKill),
    outputs: createOutputTrim(clock, log, createCutHead(baseEnv)),
    records: createRecordStore(identity.home, log),
    launcher: createLauncher({ identity, proc, clock, baseEnv, guard: deps.grants.guard }),
  };
}
