/** How this program is started again, as the watcher and the worker start each other. */
import { realpathSync } from "node:fs";

export interface ProgramEntry {
  readonly execPath: string;
  readonly execArgv: readonly string[];
  readonly entry: string;
}

export function programEntry(): ProgramEntry {
  return { execPath: process.execPath, execArgv: process.execArgv, entry: realpathSync(process.argv[1] ?? "") };
}
