/**
 * CloudEvents 1.0, both content modes: binary on the bus (attributes in `ce-*` headers, JSON body), structured where an
 * event stands alone (`castellan alerts --follow --json`).
 */
import { CastellanError } from "@castellan/kernel";
import { z } from "zod";

export const CloudEvent = z.object({
  id: z.string().min(1).max(128),
  /** URI reference of who reports it: `/castellan/{node}/{server}`. */
  source: z.string().min(1),
  type: z.string().min(1),
  time: z.iso.datetime(),
  subject: z.string().optional(),
  /** W3C trace context. */
  traceparent: z.string().optional(),
  data: z.unknown(),
});
export type CloudEvent = z.infer<typeof CloudEvent>;

export type HeaderMap = Readonly<Record<string, string>>;

/**
 * The trace that an event or an alert begins, as W3C trace context: its id, so that whatever comes of it can be found by it.
 * Undefined when the id is no UUID.
 */
export function traceparentOf(id: string): string | undefined {
  const hex = id.replaceAll("-", "");
  return /^[0-9a-f]{32}$/.test(hex) ? `00-${hex}-${hex.slice(16)}-01` : undefined;
}

/** Headers of the binary mode; the body is `encodeBody(event.data)`. An event without a trace begins one. */
export function toHeaders(event: CloudEvent): HeaderMap {
  const traceparent = event.traceparent ?? traceparentOf(event.id);
  return {
    "ce-specversion": "1.0",
    "ce-id": event.id,
    "ce-source": event.source,
    "ce-type": event.type,
    "ce-time": event.time,
    ...(event.subject === undefined ? {} : { "ce-subject": encodeHeader(event.subject) }),
    "content-type": "application/json",
    ...(traceparent === undefined ? {} : { traceparent }),
  };
}

/** An event from headers and body. Throws `BAD_EVENT`. */
export function fromMessage(header: (name: string) => string | undefined, body: Uint8Array): CloudEvent {
  const subject = header("ce-subject");
  const traceparent = header("traceparent");
  const checked = CloudEvent.safeParse({
    id: header("ce-id"),
    source: header("ce-source"),
    type: header("ce-type"),
    time: header("ce-time"),
    ...(subject === undefined ? {} : { subject: decodeSubject(subject) }),
    ...(traceparent === undefined ? {} : { traceparent }),
    data: decodeBody(body),
  });
  if (checked.success) return checked.data;
  throw new CastellanError("BAD_EVENT", `not a CloudEvent: ${z.prettifyError(checked.error)}`);
}

/** The structured mode: one JSON object that says everything. */
export function toStructured(event: CloudEvent): Readonly<Record<string, unknown>> {
  const { data, ...attributes } = event;
  return { specversion: "1.0", ...attributes, datacontenttype: "application/json", data };
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

export function encodeBody(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value));
}

/** The JSON value of a body. Throws `BAD_EVENT` when it is none, or is nested deeper than anything of ours. */
export function decodeBody(body: Uint8Array): unknown {
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(body));
  } catch (cause) {
    throw new CastellanError("BAD_EVENT", "the body is not JSON in UTF-8", { cause });
  }
  if (isDeeperThan(MAX_DEPTH, value)) throw new CastellanError("BAD_EVENT", "the body is nested too deeply");
  return value;
}

/** JSON is read to any depth, but not written: such a value could be neither stored nor passed on. */
const MAX_DEPTH = 100;

function isDeeperThan(levels: number, value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((part) => isDeeperThan(levels - 1, part));
}

/** As the CloudEvents bindings ask: percent-encoded are blanks, `"`, `%` and whatever is not printable ASCII; nothing else. */
function encodeHeader(text: string): string {
  return text.replace(/[^!#$&-~]/gu, (character) => {
    const bytes = encoder.encode(character);
    return Array.from(bytes, (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("");
  });
}

function decodeSubject(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded; // a stranger's header that was never encoded
  }
}
