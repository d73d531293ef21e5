/** Where the output of an instance goes, and how it is looked at without being led astray by what lies there. */
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { systemCode } from "@castellan/kernel";
import type { ProcessKey } from "@castellan/protocol";

/** One file per instance; both outputs of every launch are appended to it. */
export const outputFileOf = (home: string, { type, instance }: ProcessKey): string =>
  join(home, "logs", `${type.toUpperCase()}_${instance}.log`);

/** Runs `read` with the open file; null when there is no such regular file. */
export async function withOutput<T>(path: string, read: (file: FileHandle) => Promise<T>): Promise<T | null> {
  // Neither wait for the writer of a FIFO nor follow a link out of the directory.
  const { O_RDONLY, O_NONBLOCK, O_NOFOLLOW } = constants;
  const file = await open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW).catch((thrown: unknown) => {
    if (["ENOENT", "ELOOP", "ENXIO"].includes(systemCode(thrown) ?? "")) return null;
    throw thrown;
  });
  if (file === null) return null;
  try {
    return (await file.stat()).isFile() ? await read(file) : null;
  } finally {
    await file.close();
  }
}

/** What is there of `length` bytes from `from`. */
export async function readAt(file: FileHandle, from: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, from + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}
