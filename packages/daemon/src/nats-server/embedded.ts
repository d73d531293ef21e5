/**
 * The nats-server of a home: detached, found again by the next worker, brought back when it dies, replaced when it hangs.
 * It keeps its port for life, so that every client's address stays true. Alone on loopback, or a member of a cluster.
 */
import { readFileSync } from "node:fs";
import { type Backoff, backoffMs, type Timer } from "@castellan/kernel";
import type { NatsServerSettings } from "@castellan/protocol/home";
import type { ProcessIdentity } from "@castellan/sentinel/pair";
import { signalExactly } from "../pair/part.ts";
import { natsServerConfig } from "./config.ts";
import { endServer, endStrays, type LaunchDeps, launchServer, natsFiles, readRecord } from "./launch.ts";
import { freePort, greetingOf } from "./socket.ts";

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
  const config = natsServerConfig({ ...deps, ...settings, ...natsFiles(paths) });
  let identity = record?.identity ?? null;
  if (identity !== null && proc.isAlive(identity) && !runsWith(config, natsFiles(paths).config)) {
    log.info("the nats-server runs with other settings and is started again", { pid: identity.pid });
    await endServer(identity, clock, proc);
  }
  let failures = 0;
  let looks = 0;
  let silences = 0;
  let left = false;
  let timer: Timer | null = null;
  let looking: Promise<void> = Promise.resolve();

  /** Silence alone counts: whoever refuses a connection may be starting. */
  const killIfHung = async (running: ProcessIdentity): Promise<void> => {
    looks += 1;
    if (looks % GREETING_EVERY !== 0) return;
    silences = (await greetingOf(listen)) === null ? silences + 1 : 0;
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
        identity = await launchServer(deps, config, listen, readyWithinMs);
        failures = 0;
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
  await look();

  const leave = (): void => {
    left = true;
    timer?.cancel();
  };
  return {
    url: `nats://${listen.host}:${listen.port}`,
    restart() {
      if (identity !== null) signalExactly(proc, identity, "SIGTERM");
    },
    reload() {
      if (identity !== null) signalExactly(proc, identity, "SIGHUP");
    },
    leave,
    async stop() {
      leave();
      await looking; // it may just be coming back
      if (identity !== null) await endServer(identity, clock, proc);
    },
  };
}

function runsWith(config: string, file: string): boolean {
  try {
    return readFileSync(file, "utf8") === config;
  } catch {
    return false; // it cannot be said with what it runs
  }
}
