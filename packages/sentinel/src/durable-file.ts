/** Small files that are either the old or the new version after a crash, and never half of one. */
import { open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { systemCode } from "@castellan/kernel";

/** Replaces `path` with `data`; on return it is on disk. Fails with the system's error and leaves the old version. */
export async function writeDurably(path: string, data: string): Promise<void> {
  const draft = `${path}.new`;
  await syncedWrite(draft, data);
  await rename(draft, path);
  await syncDirectory(dirname(path));
}

async function syncedWrite(path: string, data: string): Promise<void> {
  const file = await open(path, "w", 0o600);
  try {
    await file.writeFile(data);
    await file.sync();
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

/** The content of a file, or null when there is none. */
export async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (thrown) {
    if (systemCode(thrown) === "ENOENT") return null;
    throw thrown;
  }
}
