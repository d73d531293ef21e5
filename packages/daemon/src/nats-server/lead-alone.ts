/**
 * JetStream of a clustered nats-server works under a leader, and a server elects none before it has met another one, though
 * it be the only member. So a member that is alone is given somebody to meet: a second server on loopback, for moments.
 *
 * L1 A server that has a leader, or others to meet, is left alone.
 * L2 The helper joins the group only of a server that has never been in one, and is out of it before it ends. It has one
 *    name for life: one that was killed in between is met again, and put out then.
 * L3 The helper does not lead, and no stream is put there: the server would throw away those that it has from before.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ensureError, sleep } from "@castellan/kernel";
import { type NatsServerConfig, natsServerConfig } from "./config.ts";
import type { LaunchDeps } from "./launch.ts";
import { freePort } from "./socket.ts";
import type { MetaGroup, SystemAccount } from "./system-account.ts";

export interface LeadAloneDeps extends LaunchDeps {
  /** With what the server runs. */
  readonly config: NatsServerConfig;
  readonly openSystem: () => Promise<SystemAccount>;
  /** Ends the trying. */
  readonly signal: AbortSignal;
}

/** A server that knows of others waits for them so long before it goes on without, milliseconds. */
const OTHERS_MS = 10_000;
const LOOK_MS = 100;
const LED_WITHIN_MS = 10_000;
const PAUSE_MS = 2000;
/** A file in its store: it has had a leader. */
const LED = "led";
/** In the environment of the helper, to be found by whoever cleans up. */
const LABEL = "nats-server";

/** Its group of JetStream is in its store. */
export const hasBeenLed = (storeDirectory: string): boolean => existsSync(join(storeDirectory, LED));

/** What is to be done for a server. Pure. `hasBeenLed`: its store holds a group already. */
export function helpFor(
  group: MetaGroup,
  {
    knowsOthers,
    routes,
    hasBeenLed: hasMet,
    helper,
    waitedMs,
  }: {
    readonly knowsOthers: boolean;
    readonly routes: number;
    readonly hasBeenLed: boolean;
    readonly helper: string;
    readonly waitedMs: number;
  },
): "none" | "wait" | "evict" | "acquaintance" | "peer" {
  if (group.leader !== null) return group.peers.includes(helper) ? "evict" : "none";
  if (group.peers.includes(helper)) return "peer";
  if (routes > 0 || (knowsOthers && waitedMs < OTHERS_MS)) return "wait";
  // Those that it knows have the group, or make it with it when they come.
  if (hasMet) return "acquaintance";
  return knowsOthers ? "wait" : "peer";
}

/** Resolves when the server has a leader, or is told to end. Never rejects. */
export async function leadAlone(deps: LeadAloneDeps): Promise<void> {
  const { clock, log, signal } = deps;
  const startedMs = clock.bootMs();
  while (!signal.aborted) {
    try {
      if (await helpOnce(deps, clock.bootMs() - startedMs)) return;
    } catch (thrown) {
      log.debug("the nats-server cannot be asked for its leader yet", { error: ensureError(thrown) });
    }
    await sleep(clock, PAUSE_MS / 4, signal);
  }
}

/** True when nothing is left to do. */
async function helpOnce(deps: LeadAloneDeps, waitedMs: number): Promise<boolean> {
  const { config, log } = deps;
  const { cluster, storeDirectory } = config;
  if (cluster === null || storeDirectory === null) return true;
  const system = await deps.openSystem();
  try {
    const help = helpFor(await system.metaGroup(), {
      knowsOthers: cluster.routes.length > 0,
      routes: await system.routes(),
      hasBeenLed: hasBeenLed(storeDirectory),
      helper: helperName(config),
      waitedMs,
    });
    if (help === "wait") return false;
    if (help === "none") {
      writeFileSync(join(storeDirectory, LED), "");
      return true;
    }
    if (help === "evict") return await system.evict(helperName(config));
    await withHelper(deps, help === "peer", () => untilLed(system, deps));
    log.info("the nats-server leads itself", { as: help });
    return false; // looked at once more
  } finally {
    await system.close();
  }
}

const helperName = ({ serverName }: Pick<NatsServerConfig, "serverName">): string => `${serverName}-helper`;

/** Leads, and the helper is not in its group. */
async function untilLed(system: SystemAccount, { config, clock, signal }: LeadAloneDeps): Promise<void> {
  const deadline = clock.bootMs() + LED_WITHIN_MS;
  const helper = helperName(config);
  while (clock.bootMs() < deadline && !signal.aborted) {
    const { leader, peers } = await system.metaGroup();
    if (leader === helper) await system.stepDown();
    else if (leader !== null && (!peers.includes(helper) || (await system.evict(helper)))) return;
    await sleep(clock, LOOK_MS, signal);
  }
}

async function withHelper(deps: LeadAloneDeps, asPeer: boolean, body: () => Promise<void>): Promise<void> {
  const { paths, clock, config } = deps;
  const { cluster } = config;
  if (cluster === null) return;
  const directory = join(paths.run, "nats-helper");
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const file = join(directory, "nats.conf");
  const helper: NatsServerConfig = {
    ...config,
    newcomerAt: null,
    observesAt: await freePort(),
    serverName: helperName(config),
    listen: { host: "127.0.0.1", port: await freePort() },
    cluster: {
      listen: { host: "127.0.0.1", port: await freePort() },
      routes: [`nats://${cluster.listen.host}:${cluster.listen.port}`],
      joins: false,
    },
    storeDirectory: asPeer ? join(directory, "store") : null,
    portsDirectory: directory,
    pidFile: join(directory, "nats.pid"),
    logFile: join(directory, "nats.log"),
  };
  writeFileSync(file, natsServerConfig(helper), { mode: 0o600 });
  const child = spawn("setpriv", ["--pdeathsig", "KILL", deps.binary, "-c", file], {
    cwd: paths.home,
    stdio: "ignore",
    env: { ...deps.environment, CASTELLAN_LAUNCH: LABEL, CASTELLAN_HOME: paths.home },
  });
  const ended = endOf(child);
  try {
    await body();
  } finally {
    child.kill("SIGTERM");
    await Promise.race([ended, sleep(clock, PAUSE_MS)]);
    child.kill("SIGKILL");
    rmSync(directory, { recursive: true, force: true });
  }
}

function endOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
}
