/**
 * A NATS connection that does not give up, and that does not look alive when it is not. The client's defaults ping
 * every two minutes and close for good after twenty seconds without a server; and a reader that broke leaves a
 * connection that takes everything and delivers nothing. A watchdog flushes it now and then and starts it over.
 */
import { CastellanError, type Clock, ensureError, type Logger, sleep, type Timer } from "@castellan/kernel";
import { AuthorizationError, connect, credsAuthenticator, type NatsConnection, type NodeConnectionOptions } from "nats";
import "./late-errors.ts";
import { distrustOf, type LinkTls } from "./distrust.ts";

export interface LinkOptions {
  /** `nats://host:port`, one or more. */
  readonly servers: string | readonly string[];
  /** Shown by the server's monitor. */
  readonly name: string;
  readonly logger: Logger;
  readonly clock: Clock;
  /** The text of a credentials file. */
  readonly credentials?: string;
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
  readonly tls?: LinkTls;
  readonly inboxPrefix?: string;
  /** How long to go on trying for the first connection, milliseconds. Default 5,000. */
  readonly firstConnectMs?: number;
}

export interface Link {
  readonly connection: NatsConnection;
  readonly up: boolean;
  /** Calls back when it goes up or down; returns how to end that. */
  onChange(listener: (up: boolean) => void): () => void;
  close(): Promise<void>;
}

const ATTEMPT_MS = 2000;
const RETRY_MS = 100;
/** The client counts pings alone, and behind a flood their answers come late: the watchdog knows better, and sooner. */
const MOST_PINGS = 30;
const WATCHDOG_EVERY_MS = 2000;
const FLUSH_WITHIN_MS = 2000;
/** Something of the event loop's own for what came in while this program was busy: silence is judged after that. */
const LAST_LOOK_MS = 50;

/**
 * Rejects with LINK_UNREACHABLE (retryable) when no server answers in time, NOT_TRUSTED (retryable: certificates are exchanged)
 * when one answers and we do not believe each other, NOT_PERMITTED when one refuses us.
 */
export async function connectLink(options: LinkOptions): Promise<Link> {
  const connection = await firstConnection(options);
  return superviseLink(connection, options);
}

async function firstConnection(options: LinkOptions): Promise<NatsConnection> {
  const { clock, logger } = options;
  const untilMs = clock.bootMs() + (options.firstConnectMs ?? 5000);
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await connectUntil(untilMs, options);
    } catch (thrown) {
      const cause = ensureError(thrown);
      if (cause instanceof AuthorizationError) {
        throw new CastellanError("NOT_PERMITTED", `the NATS server refuses us: ${cause.message}`, { cause });
      }
      const servers = [options.servers].flat();
      if (clock.bootMs() >= untilMs) {
        const error = { retryable: true, details: { servers }, cause };
        const distrust = await distrustOf(servers[0] ?? "", options.tls);
        if (distrust !== null) {
          const message = `the NATS server at ${servers.join(", ")} and we do not trust each other: ${distrust}`;
          throw new CastellanError("NOT_TRUSTED", message, error);
        }
        throw new CastellanError(
          "LINK_UNREACHABLE",
          `no NATS server answers at ${servers.join(", ")}: ${cause.message}`,
          error,
        );
      }
      if (attempt === 0) logger.warn("no NATS server answers yet, trying again", { servers, error: cause });
      await sleep(clock, RETRY_MS);
    }
  }
}

/**
 * The client's first attempt has no end where a server that does not let it in names others, which do not either: it asks how
 * long to pause before each, and is told to give up when the time is over.
 */
async function connectUntil(untilMs: number, options: LinkOptions): Promise<NatsConnection> {
  const { clock } = options;
  const attempts = [options.servers].flat().length + 1; // one at each, however slow this machine is
  const latestMs = Math.max(untilMs, clock.bootMs() + attempts * ATTEMPT_MS);
  let isFirst = true;
  const connection = await connect({
    ...connectionOptions(options),
    reconnectDelayHandler() {
      if (isFirst && clock.bootMs() > latestMs) throw new Error("the time to connect is over");
      return RETRY_MS + (Math.round(clock.bootMs()) % RETRY_MS); // hosts have booted at different times: they come back one by one
    },
  });
  isFirst = false;
  return connection;
}

function connectionOptions(options: LinkOptions): NodeConnectionOptions {
  const { credentials, user, password, token, tls, inboxPrefix } = options;
  return {
    servers: [options.servers].flat(),
    name: options.name,
    timeout: ATTEMPT_MS,
    maxReconnectAttempts: -1,
    ignoreAuthErrorAbort: true,
    pingInterval: 1000,
    maxPingOut: MOST_PINGS,
    noAsyncTraces: true,
    // In the order given: whoever names several means the first, where it answers.
    noRandomize: true,
    ...(credentials === undefined ? {} : { authenticator: credsAuthenticator(new TextEncoder().encode(credentials)) }),
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { pass: password }),
    ...(token === undefined ? {} : { token }),
    ...(tls === undefined ? {} : { tls }),
    ...(inboxPrefix === undefined ? {} : { inboxPrefix }),
  };
}

function superviseLink(connection: NatsConnection, { clock, logger }: LinkOptions): Link {
  const listeners = new Set<(up: boolean) => void>();
  let up = true;
  let closing = false;
  let timer: Timer | null = null;

  const setUp = (now: boolean): void => {
    if (up === now) return;
    up = now;
    if (!closing) logger.warn(now ? "NATS link is up again" : "NATS link is down, reconnecting");
    for (const listener of listeners) {
      try {
        listener(now);
      } catch (thrown) {
        logger.error("a link listener threw", { error: ensureError(thrown) });
      }
    }
  };
  const follow = async (): Promise<void> => {
    for await (const status of connection.status()) {
      if (status.type === "reconnect") setUp(true);
      else if (status.type === "disconnect" || status.type === "close") setUp(false);
      else if (status.type === "error") logger.warn("NATS server reports an error", { error: status.error });
    }
    if (!closing) logger.error("NATS link is closed for good", { error: await connection.closed() });
    setUp(false);
  };
  /** Behind a flood the answer comes late: whoever has heard anything meanwhile has a reader that works. */
  const answers = async (): Promise<boolean> => {
    const { inMsgs: before } = connection.stats();
    const flushed = connection.flush().then(
      () => true,
      () => false,
    );
    const inTime = (await within(flushed, FLUSH_WITHIN_MS)) ?? (await within(flushed, LAST_LOOK_MS));
    return inTime ?? connection.stats().inMsgs > before;
  };
  const within = async (flushed: Promise<boolean>, ms: number): Promise<boolean | null> => {
    const over = new AbortController();
    const answered = await Promise.race([flushed, sleep(clock, ms, over.signal).then(() => null)]);
    over.abort();
    return answered;
  };
  const look = async (): Promise<void> => {
    if (up && !connection.isClosed() && !(await answers()) && up && !closing) {
      logger.warn("NATS link does not answer, starting it over");
      await connection.reconnect();
    }
  };
  const watch = (): void => {
    timer = clock.after(WATCHDOG_EVERY_MS, () => {
      look()
        .catch((thrown: unknown) => logger.warn("NATS link could not be started over", { error: thrown }))
        .finally(() => {
          if (!closing) watch();
        })
        .catch((thrown: unknown) => logger.error("NATS watchdog ended", { error: thrown }));
    });
  };

  follow().catch((thrown: unknown) => logger.error("NATS status ended", { error: thrown }));
  watch();
  return {
    connection,
    get up() {
      return up;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      closing = true;
      timer?.cancel();
      await connection.close();
    },
  };
}
