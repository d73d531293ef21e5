/**
 * Messages as bytes: JSON without the `type`, which travels as the verb. A refusal is `{"error": {code, message,
 * retryable, details}}` and is marked by a header, so that no reply can be mistaken for one.
 */
import { isAscii, isUtf8 } from "node:buffer";
import { CastellanError, type ErrorShape } from "@castellan/kernel";
import { z } from "zod";
import { fromErrorShape, RemoteError } from "../errors.ts";
import type { Message } from "../message.ts";
import { parseTrace, type Trace } from "../observe/trace.ts";
import { type MessageSchema, type Protocol, verbOf } from "../protocol.ts";
import type { Answer, Headers } from "../transport/transport.ts";

/** Larger messages are refused on both sides, bytes. */
export const MAX_BODY_BYTES = 1024 * 1024;

/** The header that marks a refusal; its value is the code. */
export const ERROR_HEADER = "actor-error";

export const NO_HEADERS: Headers = {};

/** The header that says for the holder of which epoch a message is. */
const EPOCH_HEADER = "actor-epoch";

/** What travels beside a message: mostly nothing. */
export function headersOf(trace: Trace | null, epoch: number | null): Headers {
  if (trace === null && epoch === null) return NO_HEADERS;
  return {
    ...(trace === null ? {} : { traceparent: trace.traceparent }),
    ...(trace === null || trace.tracestate === "" ? {} : { tracestate: trace.tracestate }),
    ...(epoch === null ? {} : { [EPOCH_HEADER]: String(epoch) }),
  };
}

export const traceOf = (headers: Headers): Trace | null =>
  headers === NO_HEADERS ? null : parseTrace(headers["traceparent"], headers["tracestate"]);

/** Null when there is none, or none that can be read. */
export function epochOf(headers: Headers): number | null {
  const text = headers[EPOCH_HEADER];
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

const EMPTY = new Uint8Array(0);

const ErrorBody = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    retryable: z.boolean().catch(false),
    details: z.record(z.string(), z.unknown()).catch({}),
  }),
});

/** Throws TOO_LARGE. */
function encode(value: unknown): Uint8Array {
  if (value === undefined) return EMPTY;
  const bytes = Buffer.from(JSON.stringify(value)); // several times faster than TextEncoder on small texts
  if (bytes.length > MAX_BODY_BYTES) {
    throw new CastellanError("TOO_LARGE", `${bytes.length} bytes are more than one message may have`, {
      details: { bytes: bytes.length, limit: MAX_BODY_BYTES },
    });
  }
  return bytes;
}

function decode(body: Uint8Array): unknown {
  if (body.length === 0) return undefined;
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const value = isAscii(bytes) ? parse(bytes.toString("latin1")) : parseUtf8(bytes); // most are, and this is faster
  // Short ones cannot be nested deeply.
  if (bytes.length > 2 * MAX_DEPTH && isDeeperThan(MAX_DEPTH, value)) throw new TypeError("nested too deeply");
  return value;
}

function parse(text: string): unknown {
  return JSON.parse(text);
}

function parseUtf8(bytes: Buffer): unknown {
  if (!isUtf8(bytes)) throw new TypeError("not UTF-8");
  return JSON.parse(bytes.toString());
}

/** JSON is read to any depth, but not written: such a value would break whoever passes it on. */
const MAX_DEPTH = 100;

function isDeeperThan(levels: number, value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((part) => isDeeperThan(levels - 1, part));
}

export function encodeMessage(message: Message): Uint8Array {
  const { type: _type, ...body } = message;
  return encode(body);
}

export const encodeReply = encode;

export function encodeRefusal(shape: ErrorShape): Answer {
  const headers = { [ERROR_HEADER]: shape.code };
  try {
    return { body: encode({ error: shape }), headers };
  } catch {
    // Details that cannot travel must not cost the asker the answer.
    return { body: encode({ error: { ...shape, details: {} } }), headers };
  }
}

/** One protocol's messages by verb, ready to check what comes in. */
export class Codec {
  readonly protocol: Protocol;
  readonly #byVerb = new Map<string, { readonly type: string; readonly schema: MessageSchema }>();
  readonly #verbs = new Map<string, string>();

  constructor(protocol: Protocol) {
    this.protocol = protocol;
    for (const [type, schema] of Object.entries(protocol.messages)) {
      const verb = verbOf(type);
      if (this.#byVerb.has(verb))
        throw new CastellanError("BAD_PROTOCOL", `two messages of ${protocol.actor} are "${verb}"`);
      this.#byVerb.set(verb, { type, schema });
      this.#verbs.set(type, verb);
    }
  }

  /** The verb of a message type; undefined for a private one. */
  verb(type: string): string | undefined {
    return this.#verbs.get(type);
  }

  isAsk(type: string): boolean {
    return this.protocol.messages[type]?.reply !== undefined;
  }

  /** Throws TOO_LARGE, UNKNOWN_VERB or BAD_MESSAGE. */
  decodeMessage(verb: string, body: Uint8Array): Message {
    const found = this.#byVerb.get(verb);
    if (found === undefined) {
      throw new CastellanError("UNKNOWN_VERB", `${this.protocol.actor} does not know "${verb}"`, { details: { verb } });
    }
    if (body.length > MAX_BODY_BYTES) {
      throw new CastellanError("TOO_LARGE", `${body.length} bytes are more than one message may have`);
    }
    let problem = "not an object";
    try {
      const checked = found.schema.request.safeParse(decode(body) ?? {});
      if (checked.success && typeof checked.data === "object" && checked.data !== null) {
        return { ...checked.data, type: found.type };
      }
      if (!checked.success) problem = z.prettifyError(checked.error);
    } catch (thrown) {
      problem = thrown instanceof Error ? thrown.message : "not JSON";
    }
    throw new CastellanError("BAD_MESSAGE", `${this.protocol.actor} cannot read this ${found.type}: ${problem}`);
  }

  /** What the other side answered; throws the refusal, or BAD_REPLY as a `RemoteError`. */
  decodeReply(type: string, answer: Answer): unknown {
    const value = this.#readReply(type, answer.body);
    if (answer.headers[ERROR_HEADER] !== undefined) {
      const refusal = ErrorBody.safeParse(value);
      throw refusal.success ? fromErrorShape(refusal.data.error) : this.#badReply(type, "an unreadable refusal");
    }
    const checked = this.protocol.messages[type]?.reply?.safeParse(value);
    if (checked?.success) return checked.data;
    throw this.#badReply(type, checked === undefined ? "no answer was expected" : z.prettifyError(checked.error));
  }

  #readReply(type: string, body: Uint8Array): unknown {
    try {
      return decode(body);
    } catch {
      throw this.#badReply(type, "not JSON");
    }
  }

  #badReply(type: string, problem: string): RemoteError {
    return new RemoteError("BAD_REPLY", `${this.protocol.actor} answered ${type} with something else: ${problem}`);
  }
}
