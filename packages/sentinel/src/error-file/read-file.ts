/**
 * Reads what was appended to a file since its cursor, in bounded pieces that end with a line where they can. Of a file with
 * too much to read, the beginning and the end are read and the middle is counted.
 */
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { ensureError, systemCode } from "@castellan/kernel";
import { type Cursor, type FileStat, isSameFile } from "./cursor.ts";
import { toFileStat } from "./list-files.ts";

/** One read, bytes. */
const CHUNK = 1024 * 1024;
/** More than this at first sight, or appended later, is read only in part, bytes. */
const MAX_FIRST = CHUNK;
const MAX_APPENDED = 16 * CHUNK;
/** How much of the beginning and of the end is then read, bytes. */
const EDGE = 64 * 1024;
const HEAD = 256;
const NEWLINE = 0x0a;

export interface Appended {
  readonly text: string;
  /** Position before and after, bytes; `start..end` includes what was skipped. */
  readonly start: number;
  readonly end: number;
  readonly skippedBytes: number;
  readonly isMidLine: boolean;
  readonly head: Cursor["head"];
  /** A last line without its newline was left where it is. */
  readonly hasPartialLine: boolean;
  /** There is more to read at once. */
  readonly hasMore: boolean;
}

/** `gone`: another file or none is there by now. `rewritten`: emptied and filled again since the cursor. */
export type ReadResult = Appended | "gone" | "rewritten" | { readonly reason: string };

export interface ReadOptions {
  /** The file to open, and which file it must be. */
  readonly target: string;
  readonly file: FileStat;
  readonly from: Pick<Cursor, "offset" | "isMidLine" | "head">;
  /** Take a last line although its newline is missing. */
  readonly takesPartialLine: boolean;
}

export async function readAppended({ target, file, from, takesPartialLine }: ReadOptions): Promise<ReadResult> {
  let handle: FileHandle | undefined;
  try {
    // O_NONBLOCK and O_NOFOLLOW: what was a file when it was listed may be a FIFO or a link by now.
    handle = await open(target, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    const found = await handle.stat({ bigint: true });
    if (!found.isFile()) return { reason: "is not a regular file" };
    const now = toFileStat(file.path, found);
    if (!isSameFile(now, file)) return "gone";
    if (now.size < from.offset) return "rewritten";
    if (from.head.length > 0 && (await hashHead(handle, from.head.length)) !== from.head.hash) return "rewritten";
    const part = await readPart(handle, now.size, from, takesPartialLine);
    const length = Math.min(HEAD, part.end);
    const head = length > from.head.length ? { length, hash: await hashHead(handle, length) } : from.head;
    return { ...part, start: from.offset, head };
  } catch (thrown) {
    const code = systemCode(thrown);
    if (code === "ENOENT") return "gone";
    if (code === "ELOOP") return { reason: "is a symbolic link" };
    return {
      reason: code === "EACCES" ? "cannot be read: access is denied" : `cannot be read: ${ensureError(thrown).message}`,
    };
  } finally {
    await handle?.close();
  }
}

type Part = Omit<Appended, "start" | "head">;

async function readPart(
  handle: FileHandle,
  size: number,
  from: ReadOptions["from"],
  takesPartialLine: boolean,
): Promise<Part> {
  const available = size - from.offset;
  if (available > (from.offset === 0 ? MAX_FIRST : MAX_APPENDED)) return readEdges(handle, size, from);
  const bytes = await readBytes(handle, from.offset, Math.min(available, CHUNK));
  const hasMore = bytes.length < available && bytes.length > 0;
  const lastNewline = bytes.lastIndexOf(NEWLINE);
  const endsWithLine = lastNewline === bytes.length - 1;
  // The rest of a line whose beginning has been told is not news, complete or not.
  const isRestOfLine = from.isMidLine && lastNewline === -1;
  const takesAll = endsWithLine || isRestOfLine || (hasMore ? lastNewline === -1 : takesPartialLine);
  const taken = takesAll ? bytes : bytes.subarray(0, lastNewline + 1);
  return {
    text: decode(from.isMidLine ? afterFirstLine(taken) : taken),
    end: from.offset + taken.length,
    skippedBytes: 0,
    isMidLine: taken.length === 0 ? from.isMidLine : isRestOfLine || (hasMore && takesAll && !endsWithLine),
    hasPartialLine: !hasMore && taken.length < bytes.length,
    hasMore,
  };
}

async function readEdges(handle: FileHandle, size: number, from: ReadOptions["from"]): Promise<Part> {
  const first = await readBytes(handle, from.offset, EDGE);
  const last = await readBytes(handle, size - EDGE, EDGE);
  const cut = first.lastIndexOf(NEWLINE);
  const beginning = cut === -1 ? first : first.subarray(0, cut + 1);
  const whole = afterFirstLine(last);
  return {
    text: `${decode(from.isMidLine ? afterFirstLine(beginning) : beginning)}\n${decode(whole.length === 0 ? last : whole)}`,
    end: size,
    skippedBytes: size - from.offset - 2 * EDGE,
    isMidLine: false,
    hasPartialLine: false,
    hasMore: false,
  };
}

async function readBytes(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(buffer, filled, length - filled, position + filled);
    if (bytesRead === 0) break; // shorter than it was a moment ago
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

async function hashHead(handle: FileHandle, length: number): Promise<string> {
  return createHash("sha256")
    .update(await readBytes(handle, 0, length))
    .digest("hex")
    .slice(0, 16);
}

const afterFirstLine = (bytes: Buffer): Buffer => {
  const newline = bytes.indexOf(NEWLINE);
  return newline === -1 ? bytes.subarray(bytes.length) : bytes.subarray(newline + 1);
};

const decode = (bytes: Buffer): string => new TextDecoder().decode(bytes);
