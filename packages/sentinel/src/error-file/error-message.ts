/**
 * The lines of `sw_error` and `sw_warn`, read leniently: the documented format where it is there, plain text where it is
 * not. Any bytes give some messages, and nothing here can fail.
 *
 *   YYYY/MM/DD HH:MM:SS.ssssss (Process:Instance:PID:Severity:ProcName:CaseNum:StepName:User:Module:Revision:Line):ID-Text
 */
import type { Severity } from "@castellan/protocol";

export interface ErrorMessage {
  /** Of the documented format; null in plain text. */
  readonly process: string | null;
  readonly module: string | null;
  readonly messageId: number | null;
  /** Null when the line does not say. */
  readonly severity: Severity | null;
  /** The lines of the message as they stand, at most `MAX_LINES`. To be shown, a line goes through `printable`. */
  readonly lines: readonly string[];
}

export const MAX_LINE = 500;
const MAX_LINES = 50;
const SEVERITIES: Readonly<Record<string, Severity>> = { 1: "critical", 2: "error", 3: "warning", 4: "info" };

// Blanks are bounded and the fields hold no closing bracket, so the time is linear whatever the line.
const HEADER =
  /^\d{4}[/-]\d{1,2}[/-]\d{1,2}[ T]\d{1,2}:\d{1,2}:\d{1,2}(?:[.,]\d{1,9})?[ \t]{0,8}\(([^)]{0,1000})\)[ \t]{0,8}:?[ \t]{0,8}(?:(\d{1,9})[ \t]{0,8}[-:])?/;
/** How a line of a stack trace begins, besides a blank. */
const CONTINUATION = /^(?:[ \t]|at |Caused by:|Suppressed:|\.\.\. \d+ more|[})\]])/;

/** Splits text into messages. Empty lines count for nothing. */
export function parseMessages(text: string): ErrorMessage[] {
  const messages: ErrorMessage[] = [];
  let lines: string[] = [];
  let isDocumented = false;
  for (const raw of text.split("\n")) {
    if (BLANK.test(raw)) continue;
    const head = parseHeader(raw);
    if (head === null && lines.length > 0 && (isDocumented || CONTINUATION.test(raw))) {
      if (lines.length < MAX_LINES) lines.push(raw);
      continue;
    }
    lines = [raw];
    isDocumented = head !== null;
    const { process, module, messageId, severity } = head ?? PLAIN;
    messages.push({ process, module, messageId, severity, lines });
  }
  return messages;
}

const BLANK = /^\s*$/;
const PLAIN = { process: null, module: null, messageId: null, severity: null };

function parseHeader(line: string): Omit<ErrorMessage, "lines"> | null {
  const first = line.charCodeAt(0);
  if (first < 0x30 || first > 0x39) return null; // no digit: the cheap answer for most plain text
  const match = HEADER.exec(line.slice(0, 2000));
  if (!match) return null;
  const fields = (match[1] ?? "").split(":");
  return {
    process: fields[0]?.trim() || null,
    module: fields[8]?.trim() || null,
    messageId: match[2] === undefined ? null : Number(match[2]),
    severity: SEVERITIES[fields[3]?.trim() ?? ""] ?? null,
  };
}

/** What would disturb a terminal or hide text is shown as an escape; at most `MAX_LINE` characters. */
export function printable(text: string): string {
  const line = text.endsWith("\r") ? text.slice(0, -1) : text;
  const escaped = line.slice(0, MAX_LINE).replace(DANGEROUS, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
  });
  // A cut in the middle of a surrogate pair would be no valid text any more.
  return escaped.slice(0, MAX_LINE).replace(/[\ud800-\udbff]$/, "");
}

// Control characters except tab, line and paragraph separators, direction marks, what decoding has replaced.
// oxlint-disable-next-line no-control-regex -- these are the ones to be escaped
const DANGEROUS = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufffd]/g;

/** Messages that this program writes about what it has an alert for anyway: they make no work item of their own. */
const OWN_MESSAGES: ReadonlySet<number> = new Set([1609, 1882, 1888]);
/** The module field of our own messages. */
export const OWN_MODULE = "castellan";

export function isOwnMessage({ process, module, messageId }: ErrorMessage): boolean {
  return process === "PROCMGR" && module === OWN_MODULE && messageId !== null && OWN_MESSAGES.has(messageId);
}
