/**
 * Several small files are written all or none, as far as a file system allows: each is a synced draft before the first takes its
 * place. A full disk, a read-only one, a crash while writing leave the old files whole.
 */
import { constants } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

export interface FileToWrite {
  readonly path: string;
  readonly text: string;
  /** For the owner only. */
  readonly isSecret: boolean;
}

/** In the order given: the first takes its place first. Directories that are missing are made. Rejects with the system's error. */
export async function exchangeFiles(files: readonly FileToWrite[]): Promise<void> {
  const directories = [...new Set(files.map(({ path }) => dirname(path)))];
  for (const directory of directories) await mkdir(directory, { recursive: true, mode: 0o700 });
  try {
    for (const file of files) await writeDraft(file);
    for (const { path } of files) await rename(draftOf(path), path);
  } catch (thrown) {
    for (const { path } of files) await rm(draftOf(path), { force: true });
    throw thrown;
  }
  for (const directory of directories) await syncDirectory(directory);
}

const draftOf = (path: string): string => `${path}.new`;

/** Exclusively: nobody else's file, and no link, is ever written through. */
const EXCLUSIVE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

async function writeDraft({ path, text, isSecret }: FileToWrite): Promise<void> {
  const draft = draftOf(path);
  await rm(draft, { recursive: true, force: true }); // of somebody who was killed
  const file = await open(draft, EXCLUSIVE, isSecret ? 0o600 : 0o644);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
