/** What a process said last: the most useful sentence about why it died. */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

const TAIL = 4096;
const MOST = 200;

/** The last line with text that was appended to `path` after `offset`, on one line of printable text, or null. */
export function readLastLine(path: string, offset: number): string | null {
  let file: number;
  try {
    // It may have become a FIFO that nobody writes to.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return null; // no output file, nothing to quote
  }
  try {
    const { size } = fstatSync(file);
    const from = Math.max(Math.min(offset, size), size - TAIL);
    const buffer = Buffer.alloc(size - from);
    const text = buffer.toString("utf8", 0, readSync(file, buffer, 0, buffer.length, from));
    const lines = text
      .split("\n")
      .map(printable)
      .filter((line) => line !== "");
    return lines.at(-1)?.slice(0, MOST) ?? null;
  } catch {
    return null; // the disk's trouble is told elsewhere; the death must be handled all the same
  } finally {
    closeSync(file);
  }
}

const printable = (line: string): string => line.replace(/[\p{Cc}\p{Cf}\uFFFD]+/gu, " ").trim();
