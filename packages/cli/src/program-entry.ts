/** How this program is started again, as the watcher and the worker start each other. */
import { existsSync, realpathSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

export interface ProgramEntry {
  readonly execPath: string;
  readonly execArgv: readonly string[];
  readonly entry: string;
}

/** Whichever of the programs this is: the parts of a sentinel run as `castellan`, which stands beside it. */
export function programEntry(): ProgramEntry {
  const here = realpathSync(process.argv[1] ?? "");
  const entry = join(dirname(here), "castellan.mjs");
  return { execPath: process.execPath, execArgv: process.execArgv, entry: existsSync(entry) ? entry : here };
}

/** An example that comes with a clone; null where there is none. */
export function exampleDirectory(name: "01-single-server" | "02-cluster"): string | null {
  const directory = resolve(programEntry().entry, "../../../../deploy/examples", name);
  return existsSync(directory) ? directory : null;
}
