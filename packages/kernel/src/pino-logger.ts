/**
 * The Logger port on pino: one JSON object a line. A file is kept below a bound: what is full becomes `FILE.1`, and what was
 * that is gone.
 */
import { existsSync, renameSync, statSync } from "node:fs";
import { destination, type Logger as Pino, pino, stdSerializers, stdTimeFunctions } from "pino";
import type { LogFields, Logger } from "./logger.ts";

export interface PinoLoggerOptions {
  readonly level?: "debug" | "info" | "warn" | "error";
  /** File to append to; absent = standard error. */
  readonly file?: string;
  /** A file larger than this is put aside, bytes. Default 8 MiB; at most two such files are there. */
  readonly maxBytes?: number;
  readonly fields?: LogFields;
}

const adapt = (target: Pino): Logger => ({
  debug: (message, fields) => target.debug(fields ?? {}, message),
  info: (message, fields) => target.info(fields ?? {}, message),
  warn: (message, fields) => target.warn(fields ?? {}, message),
  error: (message, fields) => target.error(fields ?? {}, message),
  child: (fields) => adapt(target.child(fields)),
});

const MAX_BYTES = 8 * 1024 * 1024;

/** Calls back with what was written, bytes; puts a full file aside. A disk that refuses leaves it to grow. */
function keepBelow(file: string, maxBytes: number, reopen: () => void): (bytes: number) => void {
  let size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  return (bytes) => {
    size += bytes;
    if (size < maxBytes) return;
    size = 0;
    try {
      if (existsSync(file)) renameSync(file, `${file}.1`);
      reopen();
    } catch {
      // The next try comes after as many bytes again: a log is not worth the program.
    }
  };
}

/** Writes synchronously, so that the last line before a crash is on disk; a log that cannot be written is dropped. */
export function createPinoLogger(options: PinoLoggerOptions = {}): Logger {
  const stream = destination({ dest: options.file ?? 2, sync: true, append: true, mkdir: true });
  stream.on("error", () => undefined); // disk full or read-only: the program goes on without its log
  const { file, maxBytes = MAX_BYTES } = options;
  if (file !== undefined) {
    const written = keepBelow(file, maxBytes, () => stream.reopen());
    stream.on("write", written);
  }
  return adapt(
    pino(
      {
        level: options.level ?? "info",
        base: { pid: process.pid, ...options.fields },
        timestamp: stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
        serializers: { error: stdSerializers.err },
      },
      stream,
    ),
  );
}
