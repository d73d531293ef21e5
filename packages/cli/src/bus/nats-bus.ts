/** The administrator's bus on NATS. The client is loaded and connected when something is first sent or listened to. */
import type { Link } from "@castellan/actor/nats";
import type { BusPort } from "@castellan/admin";
import { CastellanError, type Clock, ensureError, readSmallFileSync, silentLogger, sleep } from "@castellan/kernel";
import type { NatsSettings } from "@castellan/protocol";
import type { MsgHdrs, NatsConnection } from "nats";
import { messageOf } from "./bus-message.ts";
import { probeNats } from "./probe.ts";

const CONNECT_MS = 2000;
const MAX_CREDENTIALS_BYTES = 1024 * 1024;
/** How long what was sent may take to leave when the program ends. */
const CLOSE_MS = 2000;

export interface NatsBus extends BusPort {
  /** Sends what is still to be sent and disconnects. Never rejects. */
  close(): Promise<void>;
}

export function createNatsBus(settings: NatsSettings, clock: Clock): NatsBus {
  let link: Promise<Link> | null = null;
  const connected = async (): Promise<NatsConnection> => {
    link ??= open(settings, clock).catch((thrown: unknown) => {
      link = null;
      throw asBusError(thrown, settings.url);
    });
    return (await link).connection;
  };
  return {
    reachable: () => probeNats(settings.url),
    async request(subject, body, timeoutMs, headers) {
      const client = await connected();
      try {
        return messageOf(await client.request(subject, body, { timeout: timeoutMs, ...(await headersOf(headers)) }));
      } catch (thrown) {
        throw asBusError(thrown, settings.url);
      }
    },
    async publish(subject, body, headers) {
      const client = await connected();
      client.publish(subject, body, await headersOf(headers));
    },
    async tail(options, listener) {
      const client = await connected();
      const { tailEvents } = await import("./event-tail.ts");
      const tail = tailEvents(client, clock, options, listener);
      return { close: () => tail.close() };
    },
    async close() {
      const opened = await link?.catch(() => null);
      if (!opened) return;
      const over = new AbortController();
      const sent = opened.connection.flush().catch(() => undefined);
      await Promise.race([sent, sleep(clock, CLOSE_MS, over.signal)]);
      over.abort();
      await opened.close().catch(() => undefined);
    },
  };
}

async function open({ url, credentials, tls }: NatsSettings, clock: Clock): Promise<Link> {
  const { connectLink } = await import("@castellan/actor/nats");
  return connectLink({
    servers: url.split(","),
    name: "castellan-cli",
    clock,
    logger: silentLogger,
    firstConnectMs: CONNECT_MS,
    ...(credentials === null
      ? {}
      : { credentials: readSmallFileSync(credentials, MAX_CREDENTIALS_BYTES).toString("utf8") }),
    ...(tls === null ? {} : { tls: filesOf(tls) }),
  });
}

function filesOf(tls: NonNullable<NatsSettings["tls"]>): Record<string, string> {
  const files = { caFile: tls.ca, certFile: tls.cert, keyFile: tls.key, servername: tls.name };
  return Object.fromEntries(Object.entries(files).filter((entry): entry is [string, string] => entry[1] !== null));
}

async function headersOf(from: Readonly<Record<string, string>> = {}): Promise<{ headers?: MsgHdrs }> {
  const entries = Object.entries(from);
  if (entries.length === 0) return {};
  const { headers: create } = await import("nats");
  const made = create();
  for (const [name, value] of entries) made.set(name, value);
  return { headers: made };
}

/** The client's errors by what they mean to an administrator. */
function asBusError(thrown: unknown, url: string): CastellanError {
  const error = ensureError(thrown);
  if (error instanceof CastellanError && error.code !== "LINK_UNREACHABLE") return error;
  const causes = [error.name, error.cause instanceof Error ? error.cause.name : ""];
  const is = (name: string): boolean => causes.includes(name);
  if (is("PermissionViolationError") || is("AuthorizationError") || is("UserAuthenticationExpiredError")) {
    return new CastellanError("NOT_PERMITTED", `the bus at ${url} does not permit this: ${error.message}`, {
      cause: error,
    });
  }
  const options = { retryable: true, cause: error, details: { url } };
  if (is("NoResponders")) return new CastellanError("NOT_REACHABLE", "no master of this node answers", options);
  if (is("TimeoutError")) return new CastellanError("TIMED_OUT", "no answer came in time", options);
  return new CastellanError("NOT_REACHABLE", `the bus at ${url} cannot be reached: ${error.message}`, options);
}
