/** Headers to and from the client's own form; most messages have none, and pay nothing. */
import { headers as createHeaders, type MsgHdrs, type PublishOptions } from "nats";
import type { Headers } from "../transport.ts";

const NONE: Headers = {};

export function readHeaders(given: MsgHdrs | undefined): Headers {
  if (given === undefined) return NONE;
  return Object.fromEntries(given.keys().map((key) => [key.toLowerCase(), given.get(key)]));
}

export function publishOptions(given: Headers, reply?: string): PublishOptions {
  const options: PublishOptions = { reply: reply ?? "" };
  for (const key in given) {
    options.headers ??= createHeaders();
    options.headers.set(key, given[key] ?? "");
  }
  return options;
}
