/**
 * The nats-server of a home: detached, found again by the next worker, brought back when it dies, replaced when it hangs.
 * It keeps its port for life, so that every client's address stays true. Alone on loopback, or a member of a cluster.
 */
import { lookup } from "node:dns/promises";
import { readFileSync } from "node:fs";
import { type Backoff, backoffMs, CastellanError, sleep, type Timer } from "@castellan/kernel";
import type { NatsServerSettings } from "@castellan/protocol/home";
import type { ProcessIdentity } from "@castellan/sentinel/pair";
import { signalExactly } from "../pair/part.ts";
import { isSameButRoutes, type NatsServerConfig, natsServerConfig } from "./config.ts";
import { endServer, endStrays, type LaunchDeps, launchServer, natsFiles, readRecord } from "./launch.ts";
import { hasBeenLed, leadAlone } from "./lead-alone.ts";
import { freePort, greetingOf } from "./socket.ts";
import { openSystemAccount, type SystemAccount, systemPassword } from "./system-account.ts";

export interface EmbeddedNatsDeps extends LaunchDeps {
  readonly serverName: string;
  /** The name of a cluster that it is a member of. */
  readonly clusterName: string;
  /** Null: on loopback, on the port it had last, else on any free one. */
  readonly settings: NatsServerSettings | null;
}

export interface EmbeddedNats {
  readonly url: string;
  /** Ends it in order; it is back within moments. */
  restart(): void;
  /** Its system account, for whoever looks after the bus; rejects when it is no member of a cluster, or away. */
  openSystem(): Promise<SystemAccount>;
  /** It reads its certificates again; connections stay. */
  reload(): void;
  /** Look after it no more; it goes on. */
  leave(): void;
  /** Ends it in order. */
  stop(): Promise<void>;
}

const LOOK_MS = 200;
/** Every so many looks it is asked for a greeting; so many silences in a row mean that it hangs. */
const GREETING_EVERY = 5;
const MOST_SILENCES = 3;
/** For a first attempt; a large store may take longer to read, so each further one gets twice as long. */
const READY_WITHIN_MS = 10_000;
const READY_AT_MOST_MS = 160_000;
/** Whoever helps it to a leader; what is left of that ends with this program, milliseconds. */
const LEADING_ENDS_MS = 1000;
const RELAUNCH: Backoff = { firstMs: 100, maxMs: 5000 };

/** Adopts or starts the server. Resolves after the first attempt; a server that does not start is tried again for ever. */
export async function keepEmbeddedNats(deps: EmbeddedNatsDeps): Promise<EmbeddedNats> {
  const { paths, clock, log, proc } = deps;
  const record = readRecord(paths);
  if (record === null) await endStrays(deps);
  const settings = deps.settings ?? {
    listen: { host: "127.0.0.1", port: record?.port ?? (await freePort()) },
    tls: null,
    cluster: null,
  };
  const { listen } = settings;
  const files = natsFiles(paths);
  const password = settings.cluster === null ? null : await systemPassword(files.systemPassword);
  const asked: NatsServerConfig = {
    ...deps,
    ...settings,
    ...files,
    systemPassword: password,
    observesAt: null,
    newcomerAt: isNewcomer(settings, files.storeDirectory) ? await addressOf(settings.cluster.listen.host) : null,
  };
  const config = natsServerConfig(asked);
  const url = `nats://${listen.host}:${listen.port}`;
  const openSystem = async (): Promise<SystemAccount> => {
    if (password === null) throw new CastellanError("NO_CLUSTER", "this nats-server is no member of a cluster");
    return await openSystemAccount({ nats: { url, credentials: null, tls: settings.tls }, password, clock, log });
  };
  let identity = record?.identity ?? null;
  if (identity !== null && proc.isAlive(identity) && !runsWith(config, files.config)) {
    log.info("the nats-server runs with other settings and is started again", { pid: identity.pid });
    await endServer(identity, clock, proc);
  }
  let failures = 0;
  let looks = 0;
  let silences = 0;
  let left = false;
  let timer: Timer | null = null;
  let looking: Promise<void> = Promise.resolve();

  const leaving = new AbortController();
  const stopping = new AbortController();
  let leading: Promise<void> | null = null;
  /** A member of a cluster that nobody else has joined yet has nobody to elect its leader with. */
  const lead = (): void => {
    if (asked.cluster === null) return;
    leading ??= leadAlone({ ...deps, config: asked, openSystem, signal: leaving.signal }).finally(() => {
      leading = null;
    });
  };

  /** Silence alone counts: whoever refuses a connection may be starting. */
  const killIfHung = async (running: ProcessIdentity): Promise<void> => {
    looks += 1;
    if (looks % GREETING_EVERY !== 0) return;
    silences = (await greetingOf(listen, settings.tls)) === null ? silences + 1 : 0;
    if (silences < MOST_SILENCES || left) return;
    silences = 0;
    log.error("the nats-server hangs and is killed", { pid: running.pid, port: listen.port });
    signalExactly(proc, running, "SIGKILL");
  };
  const look = async (): Promise<void> => {
    if (identity !== null && proc.isAlive(identity)) await killIfHung(identity);
    else {
      try {
        const readyWithinMs = Math.min(READY_AT_MOST_MS, READY_WITHIN_MS * 2 ** failures);
        identity = await launchServer(deps, config, listen, readyWithinMs, stopping.signal);
        failures = 0;
        lead();
        log.info("started the nats-server", { pid: identity?.pid ?? null, port: listen.port });
      } catch (error) {
        failures += 1;
        log.error("the nats-server does not start", { error, failures, seeAlso: "logs/nats-server.log" });
      }
    }
    if (left) return;
    timer = clock.after(failures === 0 ? LOOK_MS : backoffMs(RELAUNCH, failures, deps.rng), lookAgain);
  };
  const lookAgain = (): void => {
    looking = look();
  };
  if (identity !== null && proc.isAlive(identity)) lead();
  await look();

  const leave = (): void => {
    left = true;
    leaving.abort();
    timer?.cancel();
  };
  return {
    url,
    restart() {
      if (identity !== null) signalExactly(proc, identity, "SIGTERM");
    },
    reload() {
      if (identity !== null) signalExactly(proc, identity, "SIGHUP");
    },
    openSystem,
    leave,
    async stop() {
      leave();
      stopping.abort();
      await looking; // it may just be coming back
      const late = new AbortController();
      await Promise.race([leading, sleep(clock, LEADING_ENDS_MS, late.signal)]);
      late.abort();
      if (identity !== null) await endServer(identity, clock, proc);
    },
  };
}

function runsWith(config: string, file: string): boolean {
  try {
    return isSameButRoutes(readFileSync(file, "utf8"), config);
  } catch {
    return false; // it cannot be said with what it runs
  }
}

type Member = NatsServerSettings & { readonly cluster: NonNullable<NatsServerSettings["cluster"]> };

function isNewcomer(settings: NatsServerSettings, storeDirectory: string): settings is Member {
  return settings.cluster?.joins === true && !hasBeenLed(storeDirectory);
}

/** The number of a host's name, or the name when nobody tells it now. */
async function addressOf(host: string): Promise<string> {
  try {
    const { address, family } = await lookup(host.replace(/^\[(.*)\]$/, "$1"));
    return family === 6 ? `[${address}]` : address;
  } catch {
    return host; // its server cannot listen there either, and says so
  }
}
