/**
 * Publishes events to JetStream with acknowledgements over one reply subscription, several times faster than a request
 * for each.
 *
 * P1 At most `maxInFlight` publishes wait for the bus at once, in the order they were asked for; more wait here, bounded.
 * P2 Each is settled exactly once: by its acknowledgement, its deadline, the loss of the connection, or `close`.
 * P3 Nothing thrown here reaches the client: a throw in a subscription callback would end its reader.
 */
import { CastellanError, type Clock, ensureError, type Logger, type Timer } from "@castellan/kernel";
import { decodeBody } from "@castellan/protocol";
import type { BusMessage, BusPublisher } from "@castellan/sentinel";
import { headers as createHeaders, createInbox, type Msg, type MsgHdrs, type NatsConnection } from "nats";
import { z } from "zod";

export interface BusPublisherDeps {
  readonly connection: NatsConnection;
  readonly clock: Clock;
  readonly log: Logger;
  /** When the connection's inboxes have a prefix of their own. */
  readonly inboxPrefix?: string;
  /** Default 256. */
  readonly maxInFlight?: number;
  /** For one publish from being sent to its acknowledgement, milliseconds. Default 5,000. */
  readonly deadlineMs?: number;
}

interface Publish {
  readonly message: BusMessage;
  readonly headers: MsgHdrs;
  readonly resolve: () => void;
  readonly reject: (error: CastellanError) => void;
  expiresAt: number;
}

const MAX_WAITING = 10_000;
const SWEEP_MS = 250;
/** What a message may have around its body and headers. */
const OVERHEAD_BYTES = 1024;
const NO_RESPONDERS = 503;
const TOO_LARGE_FOR_STREAM = 10_054;

const Acknowledgement = z.object({
  seq: z.int().optional(),
  error: z.object({ code: z.int(), err_code: z.int().optional(), description: z.string().default("") }).optional(),
});

export function createBusPublisher(deps: BusPublisherDeps): BusPublisher & { close(): void } {
  const { clock, connection, deadlineMs = 5000, inboxPrefix, log, maxInFlight = 256 } = deps;
  const inbox = `${createInbox(inboxPrefix)}.`;
  const inFlight = new Map<string, Publish>();
  const waiting: Publish[] = [];
  let lastId = 0;
  let up = true;
  let closed = false;
  let sweep: Timer | null = null;

  const subscription = connection.subscribe(`${inbox}*`, {
    callback: (error, message) => {
      try {
        if (error) log.error("acknowledgements of the bus are not received", { error });
        else onAcknowledgement(message);
      } catch (thrown) {
        log.error("an acknowledgement of the bus could not be handled", { error: ensureError(thrown) });
      }
    },
  });

  async function followLink(): Promise<void> {
    for await (const { type } of connection.status()) {
      if (type === "disconnect" || type === "close") {
        up = false;
        // What was under way may be stored or not; whoever asked sends it again.
        failAll("the connection to the bus was lost");
      } else if (type === "reconnect") up = true;
    }
  }
  followLink().catch((thrown: unknown) =>
    log.error("the state of the bus is not followed", { error: ensureError(thrown) }),
  );

  function onAcknowledgement(message: Msg): void {
    const id = message.subject.slice(inbox.length);
    const publish = inFlight.get(id);
    if (publish === undefined) return; // too late: its deadline has passed
    inFlight.delete(id);
    try {
      const refused = refusalOf(message);
      if (refused) publish.reject(refused);
      else publish.resolve();
    } finally {
      pump();
    }
  }

  function pump(): void {
    while (inFlight.size < maxInFlight && waiting.length > 0) {
      const next = waiting.shift();
      if (next) send(next);
    }
    if (inFlight.size > 0 && sweep === null) sweep = clock.after(SWEEP_MS, onSweep);
  }

  function send(publish: Publish): void {
    lastId += 1;
    const id = lastId.toString(36);
    try {
      const { body, subject } = publish.message;
      connection.publish(subject, body, { headers: publish.headers, reply: inbox + id });
    } catch (thrown) {
      publish.reject(unavailable(ensureError(thrown).message));
      return;
    }
    publish.expiresAt = clock.bootMs() + deadlineMs;
    inFlight.set(id, publish);
  }

  function onSweep(): void {
    sweep = null;
    const now = clock.bootMs();
    for (const [id, publish] of inFlight) {
      if (publish.expiresAt > now) break; // in the order they were sent, all with the same deadline
      inFlight.delete(id);
      publish.reject(unavailable(`no acknowledgement within ${deadlineMs} ms`));
    }
    pump();
  }

  function failAll(why: string): void {
    const failed = [...inFlight.values(), ...waiting.splice(0)];
    inFlight.clear();
    for (const { reject } of failed) reject(unavailable(why));
  }

  return {
    publish(message) {
      if (closed || connection.isClosed()) return Promise.reject(unavailable("the connection to the bus is closed"));
      if (!up) return Promise.reject(unavailable("the bus is away"));
      if (waiting.length >= MAX_WAITING) return Promise.reject(unavailable(`${waiting.length} events wait already`));
      const headers = headersOf(message);
      if (headers instanceof CastellanError) return Promise.reject(headers);
      const tooLarge = sizeError(message, connection.info?.max_payload);
      if (tooLarge) return Promise.reject(tooLarge);
      return new Promise((resolve, reject) => {
        waiting.push({ message, headers, resolve, reject, expiresAt: 0 });
        pump();
      });
    },
    close() {
      if (closed) return;
      closed = true;
      sweep?.cancel();
      sweep = null;
      if (!connection.isClosed()) subscription.unsubscribe();
      failAll("the publisher is closed");
    },
  };
}

const unavailable = (why: string): CastellanError => new CastellanError("BUS_UNAVAILABLE", why, { retryable: true });

function headersOf({ headers, messageId }: BusMessage): MsgHdrs | CastellanError {
  try {
    const made = createHeaders();
    made.set("Nats-Msg-Id", messageId);
    for (const [name, value] of Object.entries(headers)) made.set(name, value);
    return made;
  } catch (thrown) {
    const cause = ensureError(thrown);
    return new CastellanError("BAD_EVENT", `a header cannot be sent: ${cause.message}`, { cause });
  }
}

/** The server closes the connection of a client that sends more than it allows: never send that. */
function sizeError({ body, headers, subject }: BusMessage, allowed: number | undefined): CastellanError | null {
  const headerBytes = Object.entries(headers).reduce((sum, [name, value]) => sum + name.length + value.length + 4, 0);
  const bytes = body.length + headerBytes + OVERHEAD_BYTES;
  if (allowed === undefined || bytes <= allowed) return null;
  return new CastellanError("EVENT_TOO_LARGE", `an event of ${bytes} bytes is more than the bus takes`, {
    details: { subject, bytes, allowed },
  });
}

/** Null when the message says that the event is stored. */
function refusalOf(message: Msg): CastellanError | null {
  if (message.headers?.code === NO_RESPONDERS && message.data.length === 0) {
    return unavailable("no stream takes events yet");
  }
  const answer = Acknowledgement.safeParse(decodeBody(message.data));
  if (!answer.success) return unavailable("an unreadable acknowledgement");
  const { error, seq } = answer.data;
  if (error === undefined) return seq === undefined ? unavailable("an acknowledgement without a place") : null;
  if (error.err_code === TOO_LARGE_FOR_STREAM) {
    return new CastellanError("EVENT_TOO_LARGE", error.description, { details: { code: error.err_code } });
  }
  return unavailable(`the bus refuses: ${error.description} (${error.err_code ?? error.code})`);
}
