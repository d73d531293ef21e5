/**
 * Reads on in a file whose head is cut off now and then (`cut-head.ts`), so that everything behind the cut moves forward.
 *
 * B1 A bookmark holds, with its position, the bytes before it. What was read counts only if these bytes still stand
 *    there after the read: then nothing had moved.
 * B2 When they do not, the place is found again by them. A cut is a multiple of `CUT_GRAIN`, so there are few places to
 *    look at. When they are nowhere, what was to come next is lost: reading goes on at the beginning, and says so.
 * B3 Where the head could only be made a hole, it reads as zeros: whole blocks of zeros are passed over.
 */
import type { FileHandle } from "node:fs/promises";
import { readAt, withOutput } from "./output-file.ts";

/** Every cut is a multiple of this many bytes: a block of any usual file system is a part of it. */
export const CUT_GRAIN = 64 * 1024;

/** A place in an instance's output. It can be kept, sent, and used by another program. */
export interface Bookmark {
  readonly position: number;
  /** The bytes before it, as many as there are up to 256. */
  readonly before: Uint8Array;
}

export interface OutputChunk {
  readonly data: Uint8Array;
  readonly next: Bookmark;
  /** Something between the bookmark and `data` was cut off before it was read. */
  readonly isTorn: boolean;
  /** There may be more already. */
  readonly hasMore: boolean;
}

const MOST_BEFORE = 256;
const BLOCK = 64 * 1024;
/** Times that the file may move under one read. */
const MOST_MOVES = 5;
/** Places looked at for where a bookmark has moved to. */
const MOST_PLACES = 10_000;

/** What follows a bookmark, at most `most` bytes; null when there is no file. */
export function readOutput(path: string, from: Bookmark, most: number): Promise<OutputChunk | null> {
  return withOutput(path, async (file) => {
    let place = from;
    let isTorn = false;
    for (let move = 0; move < MOST_MOVES; move += 1) {
      const data = await readAt(file, place.position, most);
      if (await stands(file, place)) return chunkOf(place, data, isTorn, most);
      const found = await findAgain(file, place);
      isTorn ||= found === null;
      place = found ?? (await beginningOf(file));
    }
    return { data: new Uint8Array(), next: place, isTorn, hasMore: true };
  });
}

/** The place where the last `lines` lines begin; at most `most` bytes are looked at. Null when there is no file. */
export function findLastLines(path: string, lines: number, most: number): Promise<Bookmark | null> {
  return withOutput(path, async (file) => {
    const { size } = await file.stat();
    let start = size;
    let breaks = 0;
    while (start > 0 && size - start < most) {
      const from = Math.max(0, start - BLOCK);
      const block = await readAt(file, from, start - from);
      if (isHole(block)) break;
      for (let at = block.length - 1; at >= 0; at -= 1) {
        // The last byte of all ends the last line; it does not begin another.
        if (block[at] !== 0x0a || from + at === size - 1) continue;
        breaks += 1;
        if (breaks === lines) return await bookmarkAt(file, from + at + 1);
      }
      start = from;
    }
    return await bookmarkAt(file, lines === 0 ? size : start);
  });
}

/** A bookmark at `position`, or at the beginning when the file is shorter. Null when there is no file. */
export function bookmarkIn(path: string, position: number): Promise<Bookmark | null> {
  return withOutput(path, async (file) =>
    (await file.stat()).size < position ? await beginningOf(file) : await bookmarkAt(file, position),
  );
}

/** Behind the hole, if there is one; found by halves, for it may be larger than anybody wants to read. */
async function beginningOf(file: FileHandle): Promise<Bookmark> {
  const blockAt = (grain: number): Promise<Buffer> => readAt(file, grain * CUT_GRAIN, ZEROS.length);
  let hole = 0;
  let data = Math.ceil((await file.stat()).size / CUT_GRAIN);
  if (!isHole(await blockAt(0))) return { position: 0, before: new Uint8Array() };
  while (data - hole > 1) {
    const middle = Math.floor((hole + data) / 2);
    if (isHole(await blockAt(middle))) hole = middle;
    else data = middle;
  }
  return { position: data * CUT_GRAIN, before: new Uint8Array() };
}

async function bookmarkAt(file: FileHandle, position: number): Promise<Bookmark> {
  const from = Math.max(0, position - MOST_BEFORE);
  return { position, before: await readAt(file, from, position - from) };
}

const stands = async (file: FileHandle, { position, before }: Bookmark): Promise<boolean> =>
  (await readAt(file, position - before.length, before.length)).equals(before) && (await file.stat()).size >= position;

async function findAgain(file: FileHandle, { position, before }: Bookmark): Promise<Bookmark | null> {
  if (before.length === 0) return null;
  const last = Math.max(before.length, position - MOST_PLACES * CUT_GRAIN);
  for (let moved = position - CUT_GRAIN; moved >= last; moved -= CUT_GRAIN) {
    const place = { position: moved, before };
    if (await stands(file, place)) return place;
  }
  return null;
}

function chunkOf(place: Bookmark, data: Buffer, isTorn: boolean, most: number): OutputChunk {
  const seen = data.length < MOST_BEFORE ? Buffer.concat([place.before, data]) : data;
  const before = Buffer.from(seen.subarray(-MOST_BEFORE));
  const next = { position: place.position + data.length, before };
  const hole = holeAt(data);
  return { data: data.subarray(hole), next, isTorn: isTorn || hole > 0, hasMore: data.length === most };
}

const ZEROS = Buffer.alloc(4096);
const isHole = (block: Buffer): boolean => block.length >= ZEROS.length && holeAt(block) === block.length;

/** The length of a hole at the beginning of `data`; fewer zeros than a block has are somebody's output. */
function holeAt(data: Buffer): number {
  let end = 0;
  while (data.subarray(end, end + ZEROS.length).equals(ZEROS)) end += ZEROS.length;
  if (end > 0) while (data[end] === 0) end += 1;
  return end;
}
