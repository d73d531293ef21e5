/**
 * Our own lines in `logs/sw_error` and `logs/sw_warn`, in the documented format. Written synchronously, for they are few and
 * some are the last words of a program; a line that cannot be written goes to the ordinary log instead and never stops
 * anybody.
 */
import { closeSync, constants, fstatSync, mkdirSync, openSync, readSync, writeSync } from "node:fs";
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

/** What is looked back over for a message, bytes. */
const LAST_BYTES = 256 * 1024;

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
    hasError(messageId, beginning) {
      try {
        return lastOf(join(home, "logs", "sw_error")).includes(`:${messageId}-${beginning}`);
      } catch {
        return false; // there is none, or nobody can read it
      }
    },
  };
}

const { O_RDONLY, O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK, O_NOFOLLOW } = constants;

function appendLine(path: string, line: string): void {
  mkdirSync(dirname(path), { recursive: true });
  withFile(path, O_WRONLY | O_APPEND | O_CREAT, (file) => writeSync(file, line));
}

/** The end of a file that others write too, of any length. */
function lastOf(path: string): string {
  return withFile(path, O_RDONLY, (file, size) => {
    const bytes = Buffer.alloc(Math.min(size, LAST_BYTES));
    return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, size - bytes.length)).toString("utf8");
  });
}

function withFile<R>(path: string, flags: number, use: (file: number, size: number) => R): R {
  // Neither wait for the other end of a FIFO nor follow a link out of the directory.
  const file = openSync(path, flags | O_NONBLOCK | O_NOFOLLOW, 0o644);
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) throw new Error(`${path} is not a regular file`);
    return use(file, stat.size);
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
