/** What the error-file watch says to people. One alert per read, however many lines that brought. */
import { basename } from "node:path";
import type { Alert, Severity } from "@castellan/protocol";
import type { Report } from "../alert-journal.ts";
import type { Cursor, Refusal } from "./cursor.ts";
import { type ErrorMessage, printable } from "./error-message.ts";

const MAX_LINES = 20;
const MAX_IDS = 20;
const RANK: Readonly<Record<Severity, number>> = { info: 0, warning: 1, error: 2, critical: 3 };

export interface FileNews {
  readonly cursor: Pick<Cursor, "kind" | "path" | "subject" | "cause" | "isRaised">;
  /** Those that count; none = the file is there and empty. */
  readonly messages: readonly ErrorMessage[];
  readonly start: number;
  readonly end: number;
  readonly skippedBytes: number;
}

/** The alert of one read. */
export function fileReport(news: FileNews, server: string, now: Date): Report {
  const { cursor, messages, start, end, skippedBytes } = news;
  const lines = messages.flatMap((message) => message.lines);
  const firstLine = printable(lines[0] ?? "");
  const count = Math.max(1, messages.length);
  const name = printable(basename(cursor.subject));
  const more = count === 1 ? "" : ` (and ${count - 1} more)`;
  const text = firstLine === "" ? "" : `: ${firstLine}`;
  const summary = cursor.isRaised
    ? `${name} on server ${server} has ${count === 1 ? "a new message" : `${count} new messages`}${text}`
    : `${name} was created on server ${server}${text}${more}`;
  const ids = new Set(messages.flatMap(({ messageId }) => (messageId === null ? [] : [messageId])));
  const details = {
    path: cursor.path,
    count,
    firstLine,
    lastLines: lines.slice(-MAX_LINES).map(printable),
    bytes: end - start,
    messageIds: [...ids].slice(0, MAX_IDS),
    position: end,
    ...(skippedBytes > 0 && { skippedBytes }),
    dedupKey: `${cursor.cause}@${start}-${end}`,
  };
  return {
    phase: cursor.isRaised ? "repeated" : "raised",
    alert: {
      ...about(cursor.kind, cursor.subject, server, now),
      severity: worst(messages, cursor.kind),
      summary: summary.slice(0, 1024),
      cause: cursor.cause,
      details,
    },
  };
}

/** `reason` null = it is no longer in the way. */
export function refusalReport({ path, cause }: Refusal, reason: string | null, server: string, now: Date): Report {
  const name = printable(path);
  const summary =
    reason === null
      ? `${name} on server ${server} is no longer in the way`
      : `${name} on server ${server} ${reason} and is not read`;
  return {
    phase: reason === null ? "resolved" : "raised",
    alert: {
      ...about("warn-file", path, server, now),
      severity: reason === null ? "info" : "warning",
      summary: summary.slice(0, 1024),
      cause,
      details: { path, reason, dedupKey: `${cause}#${reason === null ? "resolved" : "raised"}` },
    },
  };
}

type About = Pick<Alert, "kind" | "server" | "subject" | "occurredAt">;

function about(kind: Alert["kind"], subject: string, server: string, now: Date): About {
  return { kind, server, subject: subject.slice(0, 1024), occurredAt: now.toISOString() };
}

function worst(messages: readonly ErrorMessage[], kind: Cursor["kind"]): Severity {
  const fallback = kind === "error-file" ? "error" : "warning";
  const severities = messages.map(({ severity }) => severity ?? fallback);
  return severities.reduce<Severity | null>((a, b) => (a === null || RANK[b] > RANK[a] ? b : a), null) ?? fallback;
}
