/** The directories of a home and the files with secrets: whose they are, and who may do what with them. */
import { accessSync, constants, statSync } from "node:fs";
import { dirname } from "node:path";
import { ensureError, systemCode } from "@castellan/kernel";
import type { HomeSettings } from "@castellan/protocol";
import type { HomePaths } from "../home-paths.ts";

export interface HomeFacts {
  readonly dir: string;
  readonly exists: boolean;
  /** User ids: the home's owner (null without a home), and ours. */
  readonly owner: number | null;
  readonly user: number;
  /** Directories in which we cannot write, with the reason. Of a home that does not exist: where it would be made. */
  readonly unwritable: readonly { readonly path: string; readonly reason: string }[];
  /** Directories for the owner only that others can look into. */
  readonly open: readonly string[];
}

export interface SecretFile {
  /** Where it is named, as in `database.passwordFile`. */
  readonly key: string;
  readonly path: string;
  /** Why it cannot be read; null: it can. */
  readonly problem: string | null;
  /** Others than its owner can read it, and should not. */
  readonly isOpen: boolean;
}

export function examineHome(paths: HomePaths): HomeFacts {
  const { home, logs, data, run } = paths;
  const owner = statSync(home, { throwIfNoEntry: false })?.uid ?? null;
  const candidates = owner === null ? [nearestThere(home)] : [home, logs, data, run];
  const there = candidates.filter((path) => statSync(path, { throwIfNoEntry: false }) !== undefined);
  const unwritable = there.flatMap((path) => {
    const reason = accessProblem(path, constants.W_OK | constants.X_OK);
    return reason === null ? [] : [{ path, reason }];
  });
  const open = [data, run].filter((path) => isOpenToOthers(path));
  return { dir: home, exists: owner !== null, owner, user: process.getuid?.() ?? 0, unwritable, open };
}

export function examineSecrets({ nats, natsServer, database }: HomeSettings): readonly SecretFile[] {
  const named: readonly (readonly [key: string, path: string | null | undefined, isSecret: boolean])[] = [
    ["nats.credentials", nats?.credentials, true],
    ["nats.tls.ca", nats?.tls?.ca ?? natsServer?.tls?.ca, false],
    ["nats.tls.cert", nats?.tls?.cert ?? natsServer?.tls?.cert, false],
    ["nats.tls.key", nats?.tls?.key ?? natsServer?.tls?.key, true],
    ["database.passwordFile", database.passwordFile, true],
  ];
  return named.flatMap(([key, path, isSecret]) => {
    if (path === null || path === undefined) return [];
    return [{ key, path, problem: accessProblem(path, constants.R_OK), isOpen: isSecret && isOpenToOthers(path) }];
  });
}

/** The lowest directory above a path that is there. */
function nearestThere(path: string): string {
  let at = dirname(path);
  while (at !== dirname(at) && statSync(at, { throwIfNoEntry: false }) === undefined) at = dirname(at);
  return at;
}

function isOpenToOthers(path: string): boolean {
  try {
    return (statSync(path).mode & 0o077) !== 0;
  } catch {
    return false; // not there, or hidden: then others cannot look into it through us
  }
}

function accessProblem(path: string, mode: number): string | null {
  try {
    accessSync(path, mode);
    return null;
  } catch (thrown) {
    const reasons: Readonly<Record<string, string>> = {
      ENOENT: "it is not there",
      EACCES: "permission is denied",
      EROFS: "the file system is read-only",
    };
    return reasons[systemCode(thrown) ?? ""] ?? ensureError(thrown).message;
  }
}
