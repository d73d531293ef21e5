/**
 * Hands the alerts of the node to the desk, in batches of whatever is there, and acknowledges them when they are recorded.
 *
 * A1 Nothing is acknowledged before the desk has taken it; what is not acknowledged comes again.
 * A2 A message that is no alert is handed over as such: it never stops the feed.
 * A3 The client's consumer may go deaf without a word (its server died): silence longer than `SILENCE_MS` makes a new one.
 */

import type { ActorRef } from "@castellan/actor";
import {
  type Backoff,
  backoffMs,
  CastellanError,
  type Clock,
  ensureError,
  type Logger,
  sleep,
} from "@castellan/kernel";
import type { Subjects } from "@castellan/protocol";
import { type AlertDelivery, type DeskCommand, deliverTo, readDelivery } from "@castellan/work-item";
import { type ConsumerMessages, type JsMsg, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { type NatsConnection, nanos } from "nats";
import { ensureEventsStream } from "./events-stream.ts";

export interface AlertFeedDeps {
  readonly connection: NatsConnection;
  readonly copies: number;
  readonly subjects: Subjects;
  readonly clock: Clock;
  readonly log: Logger;
  readonly desk: ActorRef<DeskCommand>;
}

export interface AlertFeed {
  /** Takes no more, gives back what is not recorded, waits for a batch at the desk for `CLOSE_MS` at most. */
  close(): Promise<void>;
}

const DURABLE = "desk__apply";
const BATCH = 100;
const ACK_WAIT_MS = 30_000;
const MAX_ACK_PENDING = 1000;
/** Short: where the consumer's server was lost, a new request is what another one answers. */
const EXPIRES_MS = 2000;
const HEARTBEAT_MS = 500;
const SILENCE_MS = 3000;
const LOOK_MS = 1000;
const CLOSE_MS = 5000;
const RETRY: Backoff = { firstMs: 50, maxMs: 2000, jitter: 0 };
/** Notices that only come because the server has said something. */
const SIGNS_OF_LIFE: ReadonlySet<string> = new Set(["heartbeat", "debug", "discard"]);
const noJitter = { next: () => 0.5 };

export function createAlertFeed(deps: AlertFeedDeps): AlertFeed {
  const { clock, desk, log, subjects } = deps;
  const deliver = deliverTo(desk);
  const ending = new AbortController();
  const arrived: JsMsg[] = [];
  let heardAt = clock.bootMs();
  let wake: (() => void) | null = null;

  function onMessage(message: JsMsg): void {
    heardAt = clock.bootMs();
    arrived.push(message); // bounded by MAX_ACK_PENDING
    wake?.();
  }

  /** Keeps a consumer open. */
  async function receive(): Promise<void> {
    for (let failures = 0; !ending.signal.aborted; ) {
      try {
        const messages = await openConsumer(deps, onMessage);
        heardAt = clock.bootMs();
        failures = 0;
        const why = await untilBroken(messages);
        if (why !== null) log.warn("the feed of alerts is opened again", { why });
        await messages.close();
      } catch (thrown) {
        if (failures === 0) log.warn("the feed of alerts cannot be opened yet", { error: ensureError(thrown) });
        failures += 1;
      }
      await sleep(clock, backoffMs(RETRY, failures, noJitter), ending.signal);
    }
  }

  /** Null when the feed ends, else what is wrong with the consumer. */
  async function untilBroken(messages: ConsumerMessages): Promise<string | null> {
    let broken: string | null = null;
    const listen = async (): Promise<void> => {
      for await (const { type } of messages.status()) {
        if (type === "consumer_not_found" || type === "consumer_deleted" || type === "stream_not_found") broken = type;
        else if (SIGNS_OF_LIFE.has(type)) heardAt = clock.bootMs();
      }
    };
    const closed = messages.closed().then(() => {
      broken ??= "closed";
    });
    listen().catch((thrown: unknown) => {
      broken ??= ensureError(thrown).message;
    });
    closed.catch(() => undefined);
    while (!ending.signal.aborted && broken === null) {
      await sleep(clock, LOOK_MS, ending.signal);
      if (clock.bootMs() - heardAt > SILENCE_MS) broken ??= "silent";
    }
    return ending.signal.aborted ? null : broken;
  }

  /** Hands over what has arrived. */
  async function hand(): Promise<void> {
    while (!ending.signal.aborted) {
      if (arrived.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        wake = null;
        continue;
      }
      const batch = arrived.splice(0, BATCH);
      if (await record(batch)) settle(batch, (message) => message.ack());
      else arrived.unshift(...batch);
    }
    settle(arrived.splice(0), (message) => message.nak());
  }

  /** True when the desk has recorded the batch; false when the feed ends first. */
  async function record(batch: readonly JsMsg[]): Promise<boolean> {
    const deliveries = batch.map((message) => read(subjects, message));
    for (let attempt = 0; !ending.signal.aborted; attempt += 1) {
      try {
        await deliver(deliveries);
        return true;
      } catch (thrown) {
        const error = ensureError(thrown);
        if (error instanceof CastellanError && error.code === "DEPOSED") ending.abort();
        else if (attempt === 0) log.warn("the desk takes no alerts; they wait", { alerts: batch.length, error });
        settle(batch, (message) => message.working());
        await sleep(clock, backoffMs(RETRY, attempt, noJitter), ending.signal);
      }
    }
    return false;
  }

  /** Answers the bus; an answer that is lost only brings the message again. */
  function settle(batch: readonly JsMsg[], answer: (message: JsMsg) => void): void {
    for (const message of batch) {
      try {
        answer(message);
      } catch (thrown) {
        log.debug("an acknowledgement was not sent", { error: ensureError(thrown) });
        return;
      }
    }
  }

  ending.signal.addEventListener("abort", () => wake?.(), { once: true });
  const running = Promise.allSettled([receive(), hand()]).then((ends) => {
    for (const end of ends) {
      if (end.status === "rejected") log.error("the feed of alerts failed", { error: ensureError(end.reason) });
    }
  });

  return {
    async close() {
      ending.abort();
      const over = new AbortController();
      await Promise.race([running, sleep(clock, CLOSE_MS, over.signal)]);
      over.abort();
    },
  };
}

async function openConsumer(deps: AlertFeedDeps, onMessage: (message: JsMsg) => void): Promise<ConsumerMessages> {
  const { connection, log, subjects } = deps;
  // The stream first: the bus may have lost it, or the first sentinel has not come so far.
  await ensureEventsStream({ ...deps, withinMs: 0 });
  const manager = await jetstreamManager(connection, { checkAPI: false });
  await manager.consumers.add(subjects.eventsStream, {
    durable_name: DURABLE,
    filter_subject: subjects.allAlerts,
    ack_policy: "explicit",
    deliver_policy: "all",
    ack_wait: nanos(ACK_WAIT_MS),
    max_ack_pending: MAX_ACK_PENDING,
    max_deliver: -1,
  });
  const consumer = await jetstream(connection).consumers.get(subjects.eventsStream, DURABLE);
  return consumer.consume({
    expires: EXPIRES_MS,
    idle_heartbeat: HEARTBEAT_MS,
    max_messages: 2 * BATCH,
    callback: (message) => {
      try {
        onMessage(message);
      } catch (thrown) {
        log.error("an alert could not be taken off the bus", { error: ensureError(thrown) });
      }
    },
  });
}

function read(subjects: Subjects, message: JsMsg): AlertDelivery {
  return readDelivery(subjects, {
    subject: message.subject,
    header: (name) => (message.headers?.has(name) ? message.headers.get(name) : undefined),
    body: message.data,
  });
}
