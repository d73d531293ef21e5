/**
 * Our own lines in `logs/sw_error` and `logs/sw_warn`, in the documented format. Written synchronously, for they are few and
 * some are the last words of a program; a line that cannot be written goes to the ordinary log instead and never stops
 * anybody.
 */
import { closeSync, constants, fstatSync, mkdirSync, openSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Clock, ensureError, type Logger } from "@castellan/kernel";
import { OWN_MODULE } from "./error-file/error-message.ts";
import type { MessageLog } from "./ports.ts";

export interface MessageLogDeps {
  readonly home: string;
  readonly pid: number;
  /** Of PROCMGR: 1 = worker, 2 = watcher. */
  readonly instance: number;
  readonly clock: Pick<Clock, "now">;
  readonly log: Logger;
}

/** Severities other than the file's usual one (2 severe in sw_error, 3 warning in sw_warn), by message. */
const SEVERITIES: Readonly<Record<number, number>> = { 1881: 2, 1882: 2 };

export function createMessageLog({ home, pid, instance, clock, log }: MessageLogDeps): MessageLog {
  const append = (name: "sw_error" | "sw_warn", usualSeverity: number, messageId: number, text: string): void => {
    const severity = SEVERITIES[messageId] ?? usualSeverity;
    const head = `PROCMGR:${instance}:${pid}:${severity}::0:::${OWN_MODULE}:0:0`;
    // One message is one line here: others tell messages apart by their beginnings.
    const line = `${formatTime(clock.now())} (${head}):${messageId}-${text.replace(/\s*[\r\n]+\s*/g, " ")}\n`;
    try {
      appendLine(join(home, "logs", name), line);
    } catch (thrown) {
      log.error("a message cannot be written to its file", { name, line, error: ensureError(thrown).message });
    }
  };
  return {
    error: (messageId, text) => append("sw_error", 2, messageId, text),
    warn: (messageId, text) => append("sw_warn", 3, messageId, text),
  };
}

function appendLine(path: string, line: string): void {
  mkdirSync(dirname(path), { recursive: true });
  // Neither wait for the reader of a FIFO nor follow a link out of the directory.
  const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK, O_NOFOLLOW } = constants;
  const file = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOFOLLOW, 0o644);
  try {
    if (!fstatSync(file).isFile()) throw new Error(`${path} is not a regular file`);
    writeSync(file, line);
  } finally {
    closeSync(file);
  }
}

/** `YYYY/MM/DD HH:MM:SS.ssssss` in local time, as the administrators of the server read it. */
export function formatTime(time: Date): string {
  const date = `${time.getFullYear()}/${two(time.getMonth() + 1)}/${two(time.getDate())}`;
  const clock = `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
  return `${date} ${clock}.${String(time.getMilliseconds()).padStart(3, "0")}000`;
}

const two = (value: number): string => String(value).padStart(2, "0");
