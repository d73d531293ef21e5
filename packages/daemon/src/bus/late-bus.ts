/**
 * The bus of a worker, from before its first connection to its end. What publishes is told "not yet" (retryable) until
 * there is one; what listens is told when there is; afterwards the link reconnects by itself.
 */
import { connectLink, createNatsTransport, type Link } from "@castellan/actor/nats";
import { CastellanError, type Clock, ensureError, type Logger, sleep } from "@castellan/kernel";
import type { NatsSettings, Subjects } from "@castellan/protocol";
import type { BusPublisher } from "@castellan/sentinel";
import type { NatsConnection } from "nats";
import { withoutSecrets } from "../node/endpoints.ts";
import { actorSubjects } from "./actor-subjects.ts";
import { createBusPublisher } from "./bus-publisher.ts";
import { ensureEventsStream } from "./events-stream.ts";
import { createLateTransport, type LateTransport } from "./late-transport.ts";
import { linkSettings } from "./link-settings.ts";

export interface LateBus {
  readonly transport: LateTransport;
  readonly publisher: BusPublisher;
  /** Of the events stream. */
  readonly copies: number;
  /** Null before the first connection. */
  readonly connection: NatsConnection | null;
  /** Since when the link is there without a break, boot-time milliseconds; null = it is not. */
  upSinceMs(): number | null;
  /** For how long the bus, though there, has stored nothing it was given, milliseconds; null = it stores, or is away. */
  refusingMs(): number | null;
  /** Calls back once there is a connection, at once if there is; answers how to withdraw. */
  onArrival(listener: (connection: NatsConnection) => void): () => void;
  close(): Promise<void>;
}

export interface LateBusDeps {
  readonly settings: NatsSettings;
  readonly copies: number;
  readonly server: string;
  readonly subjects: Subjects;
  readonly clock: Clock;
  readonly log: Logger;
}

/** One round of trying for the first connection, and the pause before the next, milliseconds. */
const ROUND_MS = 30_000;
const PAUSE_MS = 250;
const CLOSE_MS = 2000;

export function openLateBus(deps: LateBusDeps): LateBus {
  const { copies, server, subjects, clock, log } = deps;
  const transport = createLateTransport(server);
  const listeners = new Set<(connection: NatsConnection) => void>();
  const ending = new AbortController();
  let link: Link | null = null;
  let upSinceMs: number | null = null;
  let refusedSinceMs: number | null = null;
  let publisher: (BusPublisher & { close(): void }) | null = null;

  let ensuring = false;
  const ensureStream = async (connection: NatsConnection): Promise<void> => {
    if (ensuring) return;
    ensuring = true;
    const { signal } = ending;
    try {
      await ensureEventsStream({ connection, copies, subjects, clock, log, signal });
    } catch (thrown) {
      log.error("the events stream could not be made ready", { error: ensureError(thrown) });
    }
    ensuring = false;
  };
  const arrive = (arrived: Link): void => {
    link = arrived;
    upSinceMs = arrived.up ? clock.bootMs() : null;
    const { connection } = arrived;
    publisher = createBusPublisher({ connection, clock, log });
    transport.arrive(
      createNatsTransport({ self: server, connection, subjects: actorSubjects(subjects), clock, logger: log }),
    );
    void ensureStream(connection);
    arrived.onChange((up) => {
      upSinceMs = up ? clock.bootMs() : null;
      if (up) void ensureStream(connection); // the server may have come back without its store
    });
    for (const listener of listeners) listener(connection);
    listeners.clear();
  };
  const connect = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      try {
        const arrived = await connectLink(linkOptions(deps));
        if (ending.signal.aborted) await arrived.close();
        else arrive(arrived);
        return;
      } catch (thrown) {
        log.warn("no connection to the bus yet", {
          url: withoutSecrets(deps.settings.url),
          error: ensureError(thrown),
        });
        await sleep(clock, PAUSE_MS, ending.signal);
      }
    }
  };
  const connecting = connect();

  return {
    transport,
    copies,
    publisher: {
      async publish(message) {
        if (publisher === null) {
          throw new CastellanError("BUS_AWAY", "there is no connection to the bus yet", { retryable: true });
        }
        try {
          await publisher.publish(message);
          refusedSinceMs = null;
        } catch (thrown) {
          const mayStoreLater = thrown instanceof CastellanError && thrown.retryable;
          if (link?.up !== true) refusedSinceMs = null;
          else if (mayStoreLater) refusedSinceMs ??= clock.bootMs();
          throw thrown;
        }
      },
    },
    upSinceMs: () => upSinceMs,
    refusingMs: () => (refusedSinceMs === null || link?.up !== true ? null : clock.bootMs() - refusedSinceMs),
    get connection() {
      return link?.connection ?? null;
    },
    onArrival(listener) {
      if (link === null) listeners.add(listener);
      else listener(link.connection);
      return () => listeners.delete(listener);
    },
    async close() {
      ending.abort();
      const over = new AbortController();
      await Promise.race([connecting, sleep(clock, CLOSE_MS, over.signal)]);
      over.abort();
      publisher?.close();
      await transport.close(CLOSE_MS);
      await link?.close();
    },
  };
}

function linkOptions({ settings, server, clock, log }: LateBusDeps): Parameters<typeof connectLink>[0] {
  return {
    ...linkSettings(settings),
    name: `castellan-worker-${server}`,
    logger: log,
    clock,
    firstConnectMs: ROUND_MS,
  };
}
