/**
 * W3C trace context (https://www.w3.org/TR/trace-context/), handed on and never interpreted: what an actor sends, spawns
 * and logs while it handles a traced message belongs to the same trace, also after an `await`.
 *
 * The current trace lives in an `AsyncLocalStorage`, which makes every promise of the process dearer. So it is made
 * when the first trace comes: a system that is never traced pays one comparison a message.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { LogFields, Logger, Rng } from "@castellan/kernel";

export interface Trace {
  /** `00-{trace id}-{span id}-{flags}` */
  readonly traceparent: string;
  /** What vendors add; empty when none did. */
  readonly tracestate: string;
}

export interface Traces {
  /** The trace of the message in hand. */
  current(): Trace | null;
  /** Whatever `act` sends and spawns belongs to `trace`. */
  run<T>(trace: Trace, act: () => T): T;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const MAX_TRACESTATE = 512;

/** Null for what is no trace context. A later version than 00 is read by its first four fields, as the standard asks. */
export function parseTrace(traceparent: string | undefined, tracestate = ""): Trace | null {
  const parts = traceparent === undefined ? null : TRACEPARENT.exec(traceparent);
  if (parts === null) return null;
  const [, version, traceId, spanId, flags, rest] = parts;
  if (version === "ff" || (version === "00" && rest !== undefined)) return null;
  if (/^0+$/.test(traceId ?? "") || /^0+$/.test(spanId ?? "")) return null;
  const kept = tracestate.length <= MAX_TRACESTATE ? tracestate : "";
  return { traceparent: `00-${traceId}-${spanId}-${flags}`, tracestate: kept };
}

/** The start of a trace, sampled. */
export function newTrace(rng: Pick<Rng, "bytes">): Trace {
  const hex = (bytes: number): string => {
    const made = Buffer.from(rng.bytes(bytes));
    made[bytes - 1] = (made[bytes - 1] ?? 0) | 1; // all zeroes are no id
    return made.toString("hex");
  };
  return { traceparent: `00-${hex(16)}-${hex(8)}-01`, tracestate: "" };
}

export class Tracer implements Traces {
  #storage: AsyncLocalStorage<Trace | null> | null = null;

  /** Whether there has ever been a trace here. While false, nothing else of this class need be called. */
  get active(): boolean {
    return this.#storage !== null;
  }

  current(): Trace | null {
    return this.#storage?.getStore() ?? null;
  }

  run<T>(trace: Trace, act: () => T): T {
    this.#storage ??= new AsyncLocalStorage();
    return this.#storage.run(trace, act);
  }

  /** The same for what may have no trace: then the one around is left behind. */
  enter<T>(trace: Trace | null, act: () => T): T {
    if (trace !== null) return this.run(trace, act);
    return this.#storage === null ? act() : this.#storage.run(null, act);
  }
}

/** Adds the current trace to every line. */
export function tracedLogger(logger: Logger, tracer: Tracer): Logger {
  const fieldsOf = (fields: LogFields | undefined): LogFields | undefined => {
    const trace = tracer.active ? tracer.current() : null;
    return trace === null ? fields : { ...fields, trace: trace.traceparent };
  };
  return {
    debug: (message, fields) => logger.debug(message, fieldsOf(fields)),
    info: (message, fields) => logger.info(message, fieldsOf(fields)),
    warn: (message, fields) => logger.warn(message, fieldsOf(fields)),
    error: (message, fields) => logger.error(message, fieldsOf(fields)),
    child: (fields) => tracedLogger(logger.child(fields), tracer),
  };
}
