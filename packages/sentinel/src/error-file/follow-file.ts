/** One look at one error file: what it has that was not told yet, and where its cursor stands afterwards. */
import { createHash } from "node:crypto";
import { basename } from "node:path";
import { causeKey } from "@castellan/protocol";
import type { Report } from "../alert-journal.ts";
import { type Cursor, decideFile, generationOf } from "./cursor.ts";
import { fileReport } from "./error-file-words.ts";
import { isOwnMessage, parseMessages } from "./error-message.ts";
import type { FoundFile } from "./list-files.ts";
import { kindOfName } from "./names.ts";
import { readAppended } from "./read-file.ts";

/** How long a new, empty file may take to get its first text before it is told of as it is, milliseconds. */
const EMPTY_WAIT_MS = 1_000;
/** How long a last line may take to get its newline, milliseconds. */
const PARTIAL_WAIT_MS = 500;

export interface Look {
  /** Null = nothing to remember yet. */
  readonly cursor: Cursor | null;
  readonly report: Report | null;
  /** Look again after this time, milliseconds; 0 = at once; null = when something happens. */
  readonly againInMs: number | null;
  /** Why it cannot be read, if so. */
  readonly refusal: string | null;
}

export interface FollowContext {
  readonly server: string;
  readonly now: Date;
  /** How long this file (by identity) has been waited for, milliseconds; starts with the first call. */
  waitedMs(): number;
}

export async function followFile(known: Cursor | null, file: FoundFile, context: FollowContext): Promise<Look> {
  const cursor = { ...(known ?? newCursor(file, context.server)), path: file.path };
  const from = decideFile(known, file) === "truncated" ? restarted(cursor, context.server) : cursor;
  if (file.size === from.offset) return standStill(known, from, file, context);

  const takesPartialLine = context.waitedMs() >= PARTIAL_WAIT_MS;
  const read = await readAppended({ target: file.target, file, from, takesPartialLine });
  if (read === "gone") return { cursor: known, report: null, againInMs: PARTIAL_WAIT_MS, refusal: null };
  if (read === "rewritten") {
    return { cursor: restarted(from, context.server), report: null, againInMs: 0, refusal: null };
  }
  if ("reason" in read) return { cursor: known, report: null, againInMs: null, refusal: read.reason };
  const { start, end, skippedBytes, isMidLine, head } = read;
  const all = parseMessages(read.text);
  const messages = all.filter((message) => !isOwnMessage(message));
  // A file that begins with blank lines only is told of like an empty one: that it was created is the news.
  const isBlankBeginning = start === 0 && end > 0 && all.length === 0;
  const isNews = messages.length > 0 || isBlankBeginning;
  const next: Cursor = { ...from, offset: end, isMidLine, head, isRaised: from.isRaised || isNews };
  const waitMs = read.hasPartialLine ? Math.max(1, PARTIAL_WAIT_MS - context.waitedMs()) : null;
  return {
    cursor: next,
    report: isNews
      ? fileReport({ cursor: from, messages, start, end, skippedBytes }, context.server, context.now)
      : null,
    againInMs: read.hasMore ? 0 : waitMs,
    refusal: null,
  };
}

/** Nothing to read. A new file that stays empty is told of all the same: that it was created is the news. */
function standStill(known: Cursor | null, cursor: Cursor, file: FoundFile, context: FollowContext): Look {
  if (known !== null) return { cursor, report: null, againInMs: null, refusal: null };
  const leftMs = EMPTY_WAIT_MS - context.waitedMs();
  if (leftMs > 0) return { cursor: null, report: null, againInMs: leftMs, refusal: null };
  const news = { cursor, messages: [], start: 0, end: file.size, skippedBytes: 0 };
  const report = fileReport(news, context.server, context.now);
  return { cursor: { ...cursor, isRaised: true }, report, againInMs: null, refusal: null };
}

/** A cursor at the beginning of a file not seen before. */
export function newCursor(file: FoundFile, server: string): Cursor {
  const { path, device, inode, birthTimeNs } = file;
  const kind = kindOfName(basename(path));
  const start = { offset: 0, rewrites: 0, isRaised: false, isMidLine: false, head: NO_HEAD };
  const cursor = { path, subject: path, kind, device, inode, birthTimeNs, cause: "", ...start };
  return { ...cursor, cause: causeOf(cursor, server) };
}

/** A cursor past everything that is in the file: what is there does not count. */
export function cursorAtEnd(known: Cursor | null, file: FoundFile, server: string): Cursor {
  const cursor = known ?? newCursor(file, server);
  const from = decideFile(known, file) === "truncated" ? restarted(cursor, server) : cursor;
  return { ...from, path: file.path, offset: file.size, isMidLine: false, head: NO_HEAD };
}

const NO_HEAD = { length: 0, hash: "" };

/** The same file, emptied: a new cause. */
function restarted(cursor: Cursor, server: string): Cursor {
  const fresh = {
    ...cursor,
    offset: 0,
    rewrites: cursor.rewrites + 1,
    isRaised: false,
    isMidLine: false,
    head: NO_HEAD,
  };
  return { ...fresh, cause: causeOf(fresh, server) };
}

function causeOf(cursor: Cursor, server: string): string {
  const { kind, subject, rewrites } = cursor;
  return causeKey({ kind, server, subject, generation: generationOf(cursor, rewrites) }, sha256);
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
