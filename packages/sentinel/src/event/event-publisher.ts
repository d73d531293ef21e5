/**
 * Events for subscribers, best effort: a bounded queue that the bus empties. The events of one subject arrive in order;
 * while the bus is away they wait, and beyond the bound the oldest is dropped and counted.
 */
import {
  type Backoff,
  backoffMs,
  CastellanError,
  type Clock,
  ensureError,
  type IdSource,
  type Logger,
  type Rng,
  type Timer,
} from "@castellan/kernel";
import { encodeBody, type Subjects, toHeaders } from "@castellan/protocol";
import type { BusMessage, BusPublisher } from "../outbox/bus-publisher.ts";
import type { EventSink, SentinelIdentity } from "../ports.ts";

export interface EventPublisherDeps {
  readonly identity: Pick<SentinelIdentity, "node" | "server">;
  readonly subjects: Subjects;
  readonly bus: BusPublisher;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly newId: IdSource;
  readonly log: Logger;
  /** Events that may wait. Default 10,000. */
  readonly capacity?: number;
}

export interface EventPublisher extends EventSink {
  readonly waiting: number;
  readonly dropped: number;
  /** Takes no more and gives up what still waits when the deadline passes. */
  stop(deadlineMs: number): Promise<void>;
}

const WINDOW = 64;
const RETRY: Backoff = { firstMs: 100, maxMs: 2000 };

export function createEventPublisher(deps: EventPublisherDeps): EventPublisher {
  const { bus, capacity = 10_000, clock, identity, log, newId, rng, subjects } = deps;
  /** In the order they were published; sets keep it and delete without a search. */
  const queue = new Set<BusMessage>();
  const busySubjects = new Set<string>();
  const idle: (() => void)[] = [];
  let dropped = 0;
  let failures = 0;
  let retry: Timer | null = null;
  let ended = false;

  function pump(): void {
    if (retry) return;
    for (const message of queue) {
      if (busySubjects.size >= WINDOW) return;
      if (busySubjects.has(message.subject)) continue;
      busySubjects.add(message.subject);
      bus.publish(message).then(
        () => settled(message, null),
        (thrown: unknown) => settled(message, ensureError(thrown)),
      );
    }
  }

  function settled(message: BusMessage, error: Error | null): void {
    busySubjects.delete(message.subject);
    if (error === null) {
      failures = 0;
      queue.delete(message);
    } else if (error instanceof CastellanError && !error.retryable) {
      drop(message, error);
    } else {
      pause(error);
    }
    if (queue.size === 0) for (const resolve of idle.splice(0)) resolve();
    pump();
  }

  function pause(error: Error): void {
    if (retry || ended) return;
    const againMs = backoffMs(RETRY, failures, rng);
    if (failures === 0) log.warn("the bus takes no events; they wait", { waiting: queue.size, error });
    failures += 1;
    retry = clock.after(againMs, () => {
      retry = null;
      pump();
    });
  }

  function drop(message: BusMessage, error: Error | null): void {
    if (!queue.delete(message)) return;
    dropped += 1;
    if (dropped === 1 || dropped % 1000 === 0)
      log.warn("an event was dropped", { subject: message.subject, dropped, error });
  }

  return {
    get waiting() {
      return queue.size;
    },
    get dropped() {
      return dropped;
    },
    publish(subject, event) {
      if (ended) return;
      const id = event.id ?? newId();
      try {
        const headers = toHeaders({
          id,
          source: `/castellan/${identity.node}/${identity.server}`,
          type: event.type,
          time: clock.now().toISOString(),
          ...(event.subject === undefined ? {} : { subject: event.subject }),
          data: event.data,
        });
        queue.add({ subject: subjects.build(subject), headers, body: encodeBody(event.data), messageId: id });
      } catch (thrown) {
        dropped += 1;
        log.error("an event cannot be written", { type: event.type, error: ensureError(thrown) });
        return;
      }
      const oldest = queue.size > capacity ? queue.values().next().value : undefined;
      if (oldest) drop(oldest, null);
      pump();
    },
    async stop(deadlineMs) {
      if (queue.size > 0) {
        await new Promise<void>((resolve) => {
          const timer = clock.after(deadlineMs, resolve);
          idle.push(() => {
            timer.cancel();
            resolve();
          });
        });
      }
      ended = true;
      retry?.cancel();
      retry = null;
      dropped += queue.size;
      queue.clear();
    },
  };
}
