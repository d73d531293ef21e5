/** What an installation has put into a home, and what of it can be taken away. What people wrote is none of it. */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { HomePaths } from "../home-paths.ts";
import { natsFiles } from "../nats-server/launch.ts";

/** Names that exist, files and directories. `keepsDatabase`: the schema is in the home, and stays. */
export function installedFiles(
  paths: HomePaths,
  { keepsDatabase }: { readonly keepsDatabase: boolean },
): readonly string[] {
  const hasDatabase = keepsDatabase && existsSync(paths.database);
  const data = hasDatabase ? busFiles(paths) : [paths.data];
  return [paths.config, paths.run, ...data, join(paths.home, "etc", "trust")].filter((path) => existsSync(path));
}

/** A server that comes to a bus again begins with nothing of what it held before. */
export function forgetBus(paths: HomePaths): void {
  for (const path of busFiles(paths)) rmSync(path, { recursive: true, force: true });
}

const busFiles = (paths: HomePaths): readonly string[] => {
  const { storeDirectory, systemPassword } = natsFiles(paths);
  return [storeDirectory, systemPassword, join(paths.data, "schema-id")];
};
