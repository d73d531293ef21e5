/**
 * Files that people and other programs put somewhere for us. Whatever lies at the path (a FIFO nobody writes into, a
 * device without an end, a directory, ten gigabytes), reading it neither hangs nor fills the memory.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { open } from "node:fs/promises";
import { CastellanError } from "./errors.ts";

/** O_NONBLOCK: opening a FIFO would otherwise wait for somebody to write into it. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

/** The whole file. Throws NOT_A_FILE, FILE_TOO_LARGE (more than `most` bytes), or the system's error. */
export function readSmallFileSync(path: string, most: number): Buffer {
  const file = openSync(path, FLAGS);
  try {
    if (!fstatSync(file).isFile()) throw notAFile(path);
    // Not by the size that is told: files of /proc have none, and others grow.
    const buffer = Buffer.alloc(most + 1);
    let filled = 0;
    for (let got = -1; got !== 0 && filled <= most; filled += got) {
      got = readSync(file, buffer, filled, most + 1 - filled, filled);
    }
    return upTo(path, buffer, filled, most);
  } finally {
    closeSync(file);
  }
}

/** The same without holding up the event loop, for file systems that may be slow. */
export async function readSmallFile(path: string, most: number): Promise<Buffer> {
  const file = await open(path, FLAGS);
  try {
    const found = await file.stat();
    if (!found.isFile()) throw notAFile(path);
    if (found.size > most) throw tooLarge(path, most);
    const buffer = Buffer.alloc(Math.min(most, Math.max(found.size, SLACK)) + 1);
    let filled = 0;
    for (let got = -1; got !== 0 && filled < buffer.length; filled += got) {
      got = (await file.read(buffer, filled, buffer.length - filled, filled)).bytesRead;
    }
    return upTo(path, buffer, filled, buffer.length - 1);
  } finally {
    await file.close();
  }
}

/** Room for a file that tells no size. */
const SLACK = 64 * 1024;

function upTo(path: string, buffer: Buffer, filled: number, most: number): Buffer {
  if (filled > most) throw tooLarge(path, most);
  return buffer.subarray(0, filled);
}

const notAFile = (path: string): CastellanError =>
  new CastellanError("NOT_A_FILE", `${path} is not a regular file: put a file there`, { details: { path } });

const tooLarge = (path: string, most: number): CastellanError =>
  new CastellanError("FILE_TOO_LARGE", `${path} is larger than ${most} bytes: is this the right file?`, {
    details: { path, most },
  });
