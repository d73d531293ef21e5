/** Small files that are either the old or the new version after a crash, and never half of one. */
import { constants } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { readSmallFile, systemCode } from "@castellan/kernel";

/** Replaces `path` with `data`; on return it is on disk. Fails with the system's error and leaves the old version. */
export async function writeDurably(path: string, data: string): Promise<void> {
  await replace(path, data, true);
  await syncDirectory(dirname(path));
}

/** The same for what matters only while this host runs: it survives the end of any program, and waits for no disk. */
export function writeWhole(path: string, data: string): Promise<void> {
  return replace(path, data, false);
}

async function replace(path: string, data: string, isSynced: boolean): Promise<void> {
  const draft = `${path}.new`;
  await writeDraft(draft, data, isSynced).catch(async (thrown: unknown) => {
    if (!IN_THE_WAY.has(systemCode(thrown) ?? "")) throw thrown;
    await rm(draft, { recursive: true, force: true });
    await writeDraft(draft, data, isSynced);
  });
  await rename(draft, path);
}

/** Something that is no file has the draft's name: a FIFO nobody reads, a directory, a link. */
const IN_THE_WAY: ReadonlySet<string> = new Set(["ENXIO", "EISDIR", "ELOOP"]);
/** Neither wait for the reader of a FIFO nor follow a link. */
const DRAFT = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NONBLOCK | constants.O_NOFOLLOW;

async function writeDraft(path: string, data: string, isSynced: boolean): Promise<void> {
  const file = await open(path, DRAFT, 0o600);
  try {
    await file.writeFile(data);
    if (isSynced) await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes a rename, a creation or a removal in `directory` survive a power cut. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** More than any state of ours; what is larger was not written by us. */
const MAX_STATE_BYTES = 64 * 1024 * 1024;

/** The content of a file, or null when there is none. Whatever lies at the path, it does not hang. */
export async function readIfThere(path: string): Promise<string | null> {
  try {
    return (await readSmallFile(path, MAX_STATE_BYTES)).toString("utf8");
  } catch (thrown) {
    if (systemCode(thrown) === "ENOENT") return null;
    throw thrown;
  }
}
