/**
 * Follows stored events: in order, none left out, across lost connections, servers that die and a stream that was made
 * anew.
 *
 * T1 The place is the sequence number of the last message that was handed on. A consumer is never trusted to go on after a
 *    loss: what was on its way is gone with the connection. A new one begins at the place.
 * T2 A hole in what one consumer delivers, a reconnection, or silence longer than its heartbeats also make a new one.
 * T3 A stream that was made anew is read from the moment the following began.
 */
import type { BusMessage } from "@castellan/admin";
import { type Backoff, backoffMs, type Clock, sleep } from "@castellan/kernel";
import { type ConsumerMessages, type JsMsg, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { type NatsConnection, nanos } from "nats";
import { messageOf } from "./bus-message.ts";

export interface TailOptions {
  readonly stream: string;
  readonly subject: string;
  /** How far back to begin; null: with what comes from now on. */
  readonly sinceMs: number | null;
}

export interface TailListener {
  message(message: BusMessage): void;
  /** Once, when all that was stored before has come. */
  caughtUp(): void;
}

const EXPIRES_MS = 5000;
const HEARTBEAT_MS = 1000;
const SILENCE_MS = 6000;
const LOOK_MS = 250;
/** How long the server keeps a consumer that nobody reads. */
const FORGOTTEN_MS = 30_000;
const AT_ONCE = 500;
const RETRY: Backoff = { firstMs: 100, maxMs: 2000, jitter: 0 };
const noJitter = { next: () => 0.5 };

export function tailEvents(
  connection: NatsConnection,
  clock: Clock,
  { sinceMs, stream, subject }: TailOptions,
  listener: TailListener,
): { close(): void } {
  const ending = new AbortController();
  const begunAt = new Date(clock.now().getTime() - (sinceMs ?? 0));
  let place: number | null = null;
  let made: string | null = null;
  let isCaughtUp = false;
  let heardAt = clock.bootMs();
  let broken: string | null = null;

  function catchUp(): void {
    if (isCaughtUp) return;
    isCaughtUp = true;
    listener.caughtUp();
  }

  async function open(): Promise<ConsumerMessages> {
    const manager = await jetstreamManager(connection, { checkAPI: false });
    const info = await manager.streams.info(stream);
    if (made !== null && made !== info.created) place = null;
    else if (place === null && sinceMs === null && made === null) place = info.state.last_seq;
    made = info.created;
    const { name, num_pending } = await manager.consumers.add(stream, {
      filter_subject: subject,
      ack_policy: "none",
      mem_storage: true,
      inactive_threshold: nanos(FORGOTTEN_MS),
      ...(place === null
        ? { deliver_policy: "by_start_time", opt_start_time: begunAt.toISOString() }
        : { deliver_policy: "by_start_sequence", opt_start_seq: place + 1 }),
    });
    let expected = 1;
    const take = (message: JsMsg): void => {
      heardAt = clock.bootMs();
      const { deliverySequence, pending, streamSequence } = message.info;
      if (broken !== null || deliverySequence < expected) return;
      if (deliverySequence > expected) {
        broken = "a hole";
        return;
      }
      expected += 1;
      listener.message(messageOf(message));
      place = streamSequence;
      if (pending === 0) catchUp();
    };
    const consumer = await jetstream(connection).consumers.get(stream, name);
    heardAt = clock.bootMs();
    broken = null;
    const messages = await consumer.consume({
      expires: EXPIRES_MS,
      idle_heartbeat: HEARTBEAT_MS,
      max_messages: AT_ONCE,
      callback: (message) => {
        try {
          take(message);
        } catch {
          broken = "a listener that failed"; // its message comes again
        }
      },
    });
    if (num_pending === 0) catchUp();
    return messages;
  }

  async function untilBroken(messages: ConsumerMessages): Promise<void> {
    const listen = async (): Promise<void> => {
      for await (const { type } of messages.status()) {
        if (type === "consumer_not_found" || type === "consumer_deleted" || type === "stream_not_found")
          broken ??= type;
        else if (type === "heartbeat" || type === "debug" || type === "discard") heardAt = clock.bootMs();
      }
      broken ??= "closed";
    };
    listen().catch(() => {
      broken ??= "closed";
    });
    while (!ending.signal.aborted && broken === null) {
      await sleep(clock, LOOK_MS, ending.signal);
      if (clock.bootMs() - heardAt > SILENCE_MS) broken ??= "silence";
    }
  }

  async function watchLink(): Promise<void> {
    for await (const { type } of connection.status()) {
      if (ending.signal.aborted) return;
      if (type === "disconnect" || type === "reconnect") broken ??= type;
    }
  }

  async function run(): Promise<void> {
    for (let failures = 0; !ending.signal.aborted; ) {
      try {
        const messages = await open();
        failures = 0;
        await untilBroken(messages);
        messages.stop();
      } catch {
        failures += 1; // no stream yet, or no connection: it is tried for as long as somebody follows
      }
      await sleep(clock, backoffMs(RETRY, failures, noJitter), ending.signal);
    }
  }

  watchLink().catch(() => undefined); // the connection was closed for good: nothing to watch
  run().catch(() => undefined); // handles its failures itself
  return { close: () => ending.abort() };
}
