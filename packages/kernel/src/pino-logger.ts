/** The Logger port on pino: one JSON object a line. */
import { destination, type Logger as Pino, pino, stdSerializers, stdTimeFunctions } from "pino";
import type { LogFields, Logger } from "./logger.ts";

export interface PinoLoggerOptions {
  readonly level?: "debug" | "info" | "warn" | "error";
  /** File to append to; absent = standard error. */
  readonly file?: string;
  readonly fields?: LogFields;
}

const adapt = (target: Pino): Logger => ({
  debug: (message, fields) => target.debug(fields ?? {}, message),
  info: (message, fields) => target.info(fields ?? {}, message),
  warn: (message, fields) => target.warn(fields ?? {}, message),
  error: (message, fields) => target.error(fields ?? {}, message),
  child: (fields) => adapt(target.child(fields)),
});

/** Writes synchronously, so that the last line before a crash is on disk; a log that cannot be written is dropped. */
export function createPinoLogger(options: PinoLoggerOptions = {}): Logger {
  const stream = destination({ dest: options.file ?? 2, sync: true, append: true, mkdir: true });
  stream.on("error", () => undefined); // disk full or read-only: the program goes on without its log
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
