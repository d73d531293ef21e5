/** Where things are in a home directory. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";

export interface HomePaths {
  readonly home: string;
  readonly config: string;
  readonly logs: string;
  readonly data: string;
  readonly run: string;
  readonly endpoints: string;
  /** The boot of the host in which the processes have been started by themselves (PM_AUTO_BOOT). */
  readonly booted: string;
  /** Who this server is, for a worker that cannot ask the database. */
  readonly ledger: string;
  /** There while its pair is exchanged. */
  readonly upgrading: string;
  /** Why its pair may not run. */
  readonly refused: string;
  readonly channel: string;
  readonly database: string;
}

export function homePaths(home: string): HomePaths {
  const run = join(home, "run");
  const data = join(home, "data");
  return {
    home,
    config: join(home, "castellan.yaml"),
    logs: join(home, "logs"),
    data,
    run,
    endpoints: join(run, "endpoints.json"),
    booted: join(run, "booted"),
    ledger: join(run, "ledger.json"),
    upgrading: join(run, "upgrading"),
    refused: join(run, "refused"),
    channel: join(run, "channel.sock"),
    database: join(data, "castellan.db"),
  };
}

/** Makes the directories of a home that are missing. `run` and `data` are for the owner only. */
export function makeHome(paths: HomePaths): void {
  for (const directory of [paths.home, paths.logs, join(paths.home, "etc")]) mkdirSync(directory, { recursive: true });
  for (const directory of [paths.run, paths.data]) mkdirSync(directory, { recursive: true, mode: 0o700 });
}
