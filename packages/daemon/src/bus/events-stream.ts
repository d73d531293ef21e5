/**
 * The stream that stores the node's events: made when it is not there, brought up to date when it differs. How many copies it
 * has in the course of time the steward says, on servers that the node keeps; else whoever runs the bus.
 */

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
import type { HomeSettings } from "@castellan/protocol/home";
import { JetStreamApiError, type JetStreamManager, jetstreamManager, type StreamConfig } from "@nats-io/jetstream";
import { type NatsConnection, nanos } from "nats";

export interface EventsStreamDeps {
  readonly connection: NatsConnection;
  readonly subjects: Subjects;
  readonly clock: Clock;
  readonly log: Logger;
  /** How many servers store each event of a stream that has to be made. */
  readonly copies: number;
  /** Ends the trying. */
  readonly signal?: AbortSignal;
  /** How long to go on trying, milliseconds. Default 60,000: a NATS cluster that has just started needs a while. */
  readonly withinMs?: number;
}

/** Three where there are so many servers; two could not do without each other. */
export function copiesOf({ nats, natsServer }: Pick<HomeSettings, "nats" | "natsServer">): number {
  const members = nats === null ? (natsServer?.cluster?.routes.length ?? 0) + 1 : nats.url.split(",").length;
  return members >= 3 ? 3 : 1;
}

const DAY_MS = 86_400_000;
const RETRY: Backoff = { firstMs: 100, maxMs: 2000, jitter: 0 };
const STREAM_NOT_FOUND = 10_059;
/** Before there is a leader nobody answers: short at first, and longer for a machine that is slow, milliseconds. */
const ANSWER: Backoff = { firstMs: 1000, maxMs: 8000, jitter: 0 };
/** For so long a new stream waits for servers enough, milliseconds; then it begins with one copy. */
const ENOUGH_WITHIN_MS = 15_000;

/** What the stream is to be. Alerts do not depend on its limits: their outbox sends again what the desk has not recorded. */
export function eventsStreamConfig(subjects: Subjects) {
  return {
    name: subjects.eventsStream,
    subjects: [subjects.allEvents],
    storage: "file",
    retention: "limits",
    max_age: nanos(7 * DAY_MS),
    max_bytes: 256 * 1024 ** 2,
    discard: "old",
    duplicate_window: nanos(120_000),
  } as const satisfies Partial<StreamConfig>;
}

/** Resolves when the stream is there. Rejects with `NO_EVENTS_STREAM` (retryable) when the time is over. */
export async function ensureEventsStream(deps: EventsStreamDeps): Promise<void> {
  const { clock, connection, copies, log, signal, subjects, withinMs = 60_000 } = deps;
  const startedMs = clock.bootMs();
  for (let attempt = 0; ; attempt += 1) {
    const spentMs = clock.bootMs() - startedMs;
    const isOver = spentMs >= withinMs;
    try {
      const timeout = backoffMs(ANSWER, attempt, { next: () => 0.5 });
      const manager = await jetstreamManager(connection, { checkAPI: false, timeout });
      await makeReady(manager, subjects, spentMs >= ENOUGH_WITHIN_MS ? 1 : copies, log);
      return;
    } catch (thrown) {
      const error = ensureError(thrown);
      if (isOver) {
        throw new CastellanError("NO_EVENTS_STREAM", `stream ${subjects.eventsStream} is not ready: ${error.message}`, {
          retryable: true,
          cause: error,
        });
      }
      log.debug("the events stream is not ready yet", { attempt, error });
    }
    if (signal?.aborted) return; // nobody asks any more
    await sleep(clock, backoffMs(RETRY, attempt, { next: () => 0.5 }), signal);
  }
}

async function makeReady(manager: JetStreamManager, subjects: Subjects, copies: number, log: Logger): Promise<void> {
  const wanted = eventsStreamConfig(subjects);
  try {
    const { config } = await manager.streams.info(wanted.name);
    const differs = Object.entries(wanted).some(
      ([key, value]) =>
        JSON.stringify(Object.entries(config).find(([name]) => name === key)?.[1]) !== JSON.stringify(value),
    );
    if (differs) {
      // How it is kept cannot be changed afterwards.
      const { retention, storage, ...changeable } = wanted;
      await manager.streams.update(wanted.name, changeable);
      log.info("the events stream was brought up to date", { stream: wanted.name, retention, storage });
    }
  } catch (thrown) {
    if (!(thrown instanceof JetStreamApiError) || thrown.code !== STREAM_NOT_FOUND) throw thrown;
    await manager.streams.add({ ...wanted, num_replicas: copies });
    log.info("the events stream was made", { stream: wanted.name, copies });
  }
}
