/** How this program is started again, as the watcher and the worker start each other. */
import { existsSync, realpathSync } from "node:fs";
import { resolve } from "node:path";

export interface ProgramEntry {
  readonly execPath: string;
  readonly execArgv: readonly string[];
  readonly entry: string;
}

export function programEntry(): ProgramEntry {
  return { execPath: process.execPath, execArgv: process.execArgv, entry: realpathSync(process.argv[1] ?? "") };
}

/** An example that comes with a clone; null where there is none. */
export function exampleDirectory(name: "01-single-server" | "02-cluster"): string | null {
  const directory = resolve(programEntry().entry, "../../../../deploy/examples", name);
  return existsSync(directory) ? directory : null;
}
