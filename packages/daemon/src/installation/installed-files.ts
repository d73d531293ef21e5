/** What an installation has put into a home, and what of it can be taken away. What people wrote is none of it. */
import { existsSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { membersFile } from "../bus/known-members.ts";
import type { HomePaths } from "../home-paths.ts";
import { natsFiles } from "../nats-server/launch.ts";

/** Names that exist, files and directories. `keeps`: URL of the schema that stays, which may be a file in the home; null: none does. In the order in which they are removed: with `data` goes what is known of it. */
export function installedFiles(paths: HomePaths, { keeps }: { readonly keeps: string | null }): readonly string[] {
  const file = keeps?.startsWith("sqlite:") ? keeps.slice("sqlite:".length) : null;
  const hasDatabase = keeps !== null && [paths.database, file].some((path) => isIn(paths.data, path));
  const data = hasDatabase ? busFiles(paths) : [paths.data];
  return [paths.config, paths.run, join(paths.home, "etc", "trust"), ...data].filter((path) => existsSync(path));
}

const isIn = (directory: string, path: string | null): boolean =>
  path !== null && existsSync(path) && !relative(directory, path).startsWith("..");

/** A server that comes to a bus again begins with nothing of what it held before. */
export function forgetBus(paths: HomePaths): void {
  for (const path of busFiles(paths)) rmSync(path, { recursive: true, force: true });
}

const busFiles = (paths: HomePaths): readonly string[] => {
  const { storeDirectory, systemPassword } = natsFiles(paths);
  return [storeDirectory, systemPassword, membersFile(paths), join(paths.data, "schema-id")];
};
