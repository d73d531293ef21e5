/** What an installation has put into a home, and what of it can be taken away. What people wrote is none of it. */
import { existsSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { trustPaths } from "@castellan/trust";
import { membersFile } from "../bus/known-members.ts";
import type { HomePaths } from "../home-paths.ts";
import { natsFiles } from "../nats-server/launch.ts";

export interface Staying {
  /** URL of the schema that stays, which may be a file in the home; null: none does. */
  readonly keeps: string | null;
  /** The node goes on, or may be gone on with: without its authority nobody could be added to it or renewed. */
  readonly keepsAuthority: boolean;
}

/** Names that exist, files and directories, in the order in which they are removed: with `data` goes what is known of it. */
export function installedFiles(paths: HomePaths, { keeps, keepsAuthority }: Staying): readonly string[] {
  const file = keeps?.startsWith("sqlite:") ? keeps.slice("sqlite:".length) : null;
  const hasDatabase = keeps !== null && [paths.database, file].some((path) => isIn(paths.data, path));
  const data = hasDatabase ? busFiles(paths) : [paths.data];
  const { directory, authority, identity } = trustPaths(paths.home);
  const trust = keepsAuthority && existsSync(authority) ? identity : directory;
  return [paths.config, paths.run, trust, ...data].filter((path) => existsSync(path));
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
