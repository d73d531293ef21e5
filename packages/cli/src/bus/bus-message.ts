/** A message of the client as an administrator's functions take it. */
import type { BusMessage } from "@castellan/admin";
import type { MsgHdrs } from "nats";

export function messageOf(message: {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers?: MsgHdrs | undefined;
}): BusMessage {
  const headers: Record<string, string> = {};
  for (const [name, values] of message.headers ?? []) headers[name.toLowerCase()] = values[0] ?? "";
  return { subject: message.subject, body: message.data, headers };
}
