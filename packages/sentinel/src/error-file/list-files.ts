/** Finds what the patterns name, and sorts out what must not be read: FIFOs, devices, directories, links that lead away. */
import { lstat, realpath, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { systemCode } from "@castellan/kernel";
import glob from "fast-glob";
import type { FileStat } from "./cursor.ts";
import { isArchivedName } from "./names.ts";

export interface FoundFile extends FileStat {
  /** The path to open: the same, or the target of a link that stays in `logs/`. */
  readonly target: string;
}

export interface Listing {
  readonly files: readonly FoundFile[];
  readonly refused: readonly { readonly path: string; readonly reason: string }[];
  /** There were more than `MAX_FILES`; the rest is left out. */
  readonly isCut: boolean;
}

const MAX_FILES = 1000;
const TOO_MANY = `holds more than ${MAX_FILES} error files, the rest of which is more than can be followed`;

const isArchived = (path: string): boolean => isArchivedName(basename(path));

/** `patterns` are relative to `home` and do not lead out of it. A directory that cannot be listed gives nothing. */
export async function listErrorFiles(home: string, patterns: readonly string[]): Promise<Listing> {
  const within = patterns.filter((pattern) => !pattern.startsWith("/") && !pattern.split("/").includes(".."));
  const options = { cwd: home, onlyFiles: false, followSymbolicLinks: false, suppressErrors: true };
  // Made absolute here: the library would turn a backslash in a name into a slash.
  const all = (await glob([...within], options)).map((name) => join(home, name)).sort();
  // Years of archived files must not take the places of those that are written to.
  const found = [...all.filter((path) => !isArchived(path)), ...all.filter(isArchived)];
  const files = new Map<string, FoundFile>();
  const links: FoundFile[] = [];
  const refused: { path: string; reason: string }[] = [];
  for (const path of found.slice(0, MAX_FILES)) {
    const looked = await look(path, home);
    if (looked === null) continue;
    if ("reason" in looked) {
      if (!isArchivedName(basename(path))) refused.push({ path, reason: looked.reason });
    } else if (looked.target === path) files.set(path, looked);
    else links.push(looked);
  }
  // A link to a file that is listed itself adds nothing.
  for (const link of links) if (!files.has(link.target)) files.set(link.target, link);
  const left = found[MAX_FILES];
  // Archived files that nobody follows are no loss.
  if (left !== undefined && !isArchived(left)) refused.push({ path: join(home, "logs"), reason: TOO_MANY });
  return { files: [...files.values()], refused, isCut: found.length > MAX_FILES };
}

async function look(path: string, home: string): Promise<FoundFile | { reason: string } | null> {
  try {
    const found = await lstat(path, { bigint: true });
    if (found.isFile()) return { ...toFileStat(path, found), target: path };
    if (!found.isSymbolicLink()) return { reason: "is not a regular file" };
    const [target, logs] = await Promise.all([realpath(path), realpath(join(home, "logs"))]);
    if (!target.startsWith(`${logs}/`)) return { reason: "is a symbolic link that leads out of logs" };
    const behind = await stat(target, { bigint: true });
    return behind.isFile() ? { ...toFileStat(path, behind), target } : { reason: "is not a regular file" };
  } catch (thrown) {
    // Its bytes are no UTF-8: what we were given as its name is another one, which is not there.
    if (systemCode(thrown) === "ENOENT" && path.includes("\ufffd")) return { reason: "has a name that is not UTF-8" };
    // Gone between the listing and the look, or a link to nothing: not there.
    if (systemCode(thrown) === "ENOENT") return null;
    return { reason: `cannot be examined (${systemCode(thrown) ?? "error"})` };
  }
}

interface BigStat {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly birthtimeNs: bigint;
  readonly size: bigint;
}

export function toFileStat(path: string, { dev, ino, birthtimeNs, size }: BigStat): FileStat {
  return { path, device: String(dev), inode: String(ino), birthTimeNs: String(birthtimeNs), size: Number(size) };
}
