/** Finds and reads `fspart`, and tells when it has changed. Whatever lies at that path, it neither hangs nor throws. */
import { constants } from "node:fs";
import { open, stat } from "node:fs/promises";
import { join } from "node:path";
import { ensureError, systemCode } from "@castellan/kernel";
import { type Fspart, MAX_FSPART_BYTES, parseFspart } from "./fspart.ts";

export interface FspartFile extends Fspart {
  /** The file that counts; the first of the two names when there is none. */
  readonly file: string;
  /** False when the file itself could not be read: its entries are then unknown, not none. */
  readonly isReadable: boolean;
  /** Equal stamps = nothing has changed. */
  readonly stamp: string;
}

/** `fspart` in the home directory, else `etc/fs_part`; without either the home directory itself is watched. */
export async function readFspart(home: string): Promise<FspartFile> {
  const [classic, other] = [join(home, "fspart"), join(home, "etc", "fs_part")];
  return (await readOne(classic, home)) ?? (await readOne(other, home)) ?? noFspart(classic, home);
}

/** Changes whenever `readFspart` may give something else. */
export async function fspartStamp(home: string): Promise<string> {
  for (const file of [join(home, "fspart"), join(home, "etc", "fs_part")]) {
    try {
      const found = await stat(file, { bigint: true });
      return stampOf(file, found);
    } catch (thrown) {
      const code = systemCode(thrown);
      if (code !== "ENOENT" && code !== "ENOTDIR") return `${file}:${code ?? "error"}`;
    }
  }
  return "none";
}

interface Stat {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
}

const stampOf = (file: string, { dev, ino, size, mtimeNs }: Stat): string => `${file}:${dev}:${ino}:${size}:${mtimeNs}`;

async function readOne(file: string, home: string): Promise<FspartFile | null> {
  const unusable = (message: string, stamp: string): FspartFile => ({
    file,
    stamp,
    isReadable: false,
    entries: [],
    problems: [{ line: 0, text: "", message }],
  });
  try {
    // O_NONBLOCK: opening a FIFO would otherwise wait for somebody to write into it.
    const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const found = await handle.stat({ bigint: true });
      const stamp = stampOf(file, found);
      if (!found.isFile()) return unusable("is not a regular file", stamp);
      if (found.size > MAX_FSPART_BYTES) return unusable(`is larger than ${MAX_FSPART_BYTES} bytes`, stamp);
      const buffer = Buffer.alloc(Number(found.size));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
      return { file, stamp, isReadable: true, ...parseFspart(buffer.toString("utf8", 0, bytesRead), home) };
    } finally {
      await handle.close();
    }
  } catch (thrown) {
    const code = systemCode(thrown);
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    return unusable(`cannot be read: ${ensureError(thrown).message}`, `${file}:${code ?? "error"}`);
  }
}

function noFspart(file: string, home: string): FspartFile {
  const entries = [{ line: 0, path: home, minimum: null, warning: null }];
  return { file, stamp: "none", isReadable: true, entries, problems: [] };
}
