/** The few things an outbox asks of a disk, so that a full, a read-only and a crashing one can be tested. */

import type { FileHandle } from "node:fs/promises";
import { mkdir, open, readdir, rename, rm, statfs, truncate } from "node:fs/promises";
import { join } from "node:path";
import { readSmallFile } from "@castellan/kernel";
import { syncDirectory, writeDurably } from "../durable-file.ts";

/** Added to the name of a directory, a FIFO, a link. */
const ASIDE = ".not-a-file";
/** No segment is that long; what is, was not written by us. */
const MAX_SEGMENT_BYTES = 64 * 1024 * 1024;

/** One directory of small files. Every failure is the operating system's error, with its `code`. */
export interface OutboxDisk {
  /** The directory, for messages to people. */
  readonly path: string;
  /** File names; creates the directory when it is not there. What is no file is renamed out of the way. */
  list(): Promise<readonly string[]>;
  read(name: string): Promise<Uint8Array>;
  /** On return the data is on disk at that offset. A failure may leave any part of it behind. */
  append(name: string, offset: number, data: Uint8Array): Promise<void>;
  truncate(name: string, length: number): Promise<void>;
  /** Old content or new content, nothing between; on return it is on disk. */
  replace(name: string, data: string): Promise<void>;
  remove(name: string): Promise<void>;
  freeBytes(): Promise<number>;
  /** Lets go of open files. */
  close(): Promise<void>;
}

export function createOutboxDisk(path: string): OutboxDisk {
  let current: { readonly name: string; readonly handle: FileHandle } | null = null;

  async function release(): Promise<void> {
    const held = current;
    current = null;
    await held?.handle.close();
  }

  /** The file being appended to stays open; a new one is made durable in its directory first. */
  async function handleOf(name: string): Promise<FileHandle> {
    if (current?.name === name) return current.handle;
    await release();
    const handle = await open(join(path, name), "a+", 0o600);
    await handle.close();
    await syncDirectory(path);
    current = { name, handle: await open(join(path, name), "r+") };
    return current.handle;
  }

  return {
    path,
    async list() {
      await mkdir(path, { recursive: true, mode: 0o700 });
      const files: string[] = [];
      for (const entry of await readdir(path, { withFileTypes: true })) {
        if (entry.isFile()) files.push(entry.name);
        // Under the name of a segment it would be in the way of every alert.
        else if (!entry.name.endsWith(ASIDE)) await rename(join(path, entry.name), join(path, `${entry.name}${ASIDE}`));
      }
      return files;
    },
    read: (name) => readSmallFile(join(path, name), MAX_SEGMENT_BYTES),
    async append(name, offset, data) {
      const handle = await handleOf(name);
      let done = 0;
      while (done < data.length) {
        const { bytesWritten } = await handle.write(data, done, data.length - done, offset + done);
        done += bytesWritten;
      }
      await handle.datasync();
    },
    async truncate(name, length) {
      await release();
      await truncate(join(path, name), length);
    },
    replace: (name, data) => writeDurably(join(path, name), data),
    async remove(name) {
      if (current?.name === name) await release();
      await rm(join(path, name), { force: true });
    },
    async freeBytes() {
      const { bavail, bsize } = await statfs(path);
      return bavail * bsize;
    },
    close: release,
  };
}
