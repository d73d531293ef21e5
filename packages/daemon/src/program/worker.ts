/**
 * The worker: everything a server's sentinel does. This file brings it up in order (lock, watcher, bus, schema,
 * incarnation, actors) and takes it down in reverse. Managed processes are touched by neither.
 */
import { hostname } from "node:os";
import { relative } from "node:path";
import { createActorSystem } from "@castellan/actor";
import {
  type Clock,
  createIdSource,
  createSystemClock,
  Disposer,
  ensureError,
  type IdSource,
  type Logger,
  sleep,
  systemRng,
} from "@castellan/kernel";
import { createPinoLogger } from "@castellan/kernel/pino";
import { createSubjects, type HomeSettings, Sentinel } from "@castellan/protocol";
import { keptBus } from "@castellan/protocol/home";
import { type MessageLog, type RoleState, watchSqlContact } from "@castellan/sentinel";
import { connectChannel, createMessageLog, createProcReader } from "@castellan/sentinel/pair";
import { copiesOf } from "../bus/events-stream.ts";
import { startHeartbeat } from "../bus/heartbeat.ts";
import { openLateBus } from "../bus/late-bus.ts";
import { startSteward } from "../bus/steward.ts";
import { type TrustWatch, trustFilesOf, watchTrust } from "../bus/trust-watch.ts";
import { type HomePaths, homePaths, makeHome } from "../home-paths.ts";
import { natsClusterName } from "../installation/own-parameters.ts";
import { takeLock } from "../lock.ts";
import { type EmbeddedNats, keepEmbeddedNats } from "../nats-server/embedded.ts";
import { findNatsServer } from "../nats-server/find-binary.ts";
import { watchStore } from "../nats-server/watch-store.ts";
import { openActorsWindow } from "../node/actors-window.ts";
import { autoBoot, forgetBoot } from "../node/auto-boot.ts";
import { writeEndpoints } from "../node/endpoints.ts";
import { createGuardian } from "../node/guardian.ts";
import { guardPeer } from "../pair/guard-peer.ts";
import { announcePart, launchPart, type ProgramEntry } from "../pair/part.ts";
import { forgetRefusal, mayNotRun, sayRefusal } from "../pair/refusal.ts";
import { joinSchema } from "../schema/join-schema.ts";
import { readWorkerSettings } from "../settings.ts";
import { processEnvironment } from "./environment.ts";
import { reportProgress, runToItsEnd, type StopRequest, stopRequest } from "./program.ts";

export interface WorkerOptions {
  readonly home: string;
  readonly program: ProgramEntry;
  /** The pair has just been started: start the server processes, if PM_AUTO_BOOT says so. */
  readonly boot: boolean;
  readonly environment: NodeJS.ProcessEnv;
}

const LOCK_WAIT_MS = 5000;
const SYSTEM_STOP_MS = 8000;
/** For the last words to the watcher to get through. */
const FAREWELL_MS = 50;

interface Rim {
  readonly paths: HomePaths;
  readonly clock: Clock;
  readonly log: Logger;
  readonly newId: IdSource;
  readonly messages: MessageLog;
  readonly stop: StopRequest;
  readonly disposer: Disposer;
}

/** Runs until told to stop, and ends the process; with 0 also when another worker of this home lives. */
export async function runWorker(options: WorkerOptions): Promise<never> {
  const stop = stopRequest();
  return await runToItsEnd(stop, () => runUntil(stop, options));
}

async function runUntil(stop: StopRequest, options: WorkerOptions): Promise<number> {
  process.title = `castellan worker --home ${options.home}`;
  const paths = homePaths(options.home);
  makeHome(paths);
  process.chdir(paths.home);
  const clock = createSystemClock();
  const log = createPinoLogger({ file: `${paths.logs}/castellan-worker.log`, fields: { part: "worker" } });
  const disposer = new Disposer();
  const lock = await takeLock(`${paths.run}/worker.lock`, clock, LOCK_WAIT_MS);
  if (lock === null) {
    log.info("another worker of this home is running", { home: paths.home });
    return 0;
  }
  disposer.add("lock", () => lock.release());
  const messages = createMessageLog({ home: paths.home, pid: process.pid, instance: 1, clock, log });
  const newId = createIdSource(clock, systemRng);
  const rim: Rim = { paths, clock, log, newId, messages, stop, disposer };
  try {
    const why = await work(options, rim);
    log.info("ending", { why });
    return 0;
  } catch (thrown) {
    log.error("the worker cannot go on", { error: ensureError(thrown) });
    return 1;
  } finally {
    for (const { name, error } of await disposer.dispose()) log.warn("not ended in order", { name, error });
  }
}

async function work(options: WorkerOptions, rim: Rim): Promise<string> {
  const { paths, clock, log, newId, messages, stop, disposer } = rim;
  const pair = await joinWatcher(options, rim);
  const configured = await readWorkerSettings(paths, hostname());
  const { settings } = configured;
  if (configured.problem !== null) {
    log.error("castellan.yaml is wrong; the last good settings are used", { problem: configured.problem });
  }
  const subjects = createSubjects(settings.node);
  const nats = settings.nats === null ? await embeddedNats(options, rim, settings) : null;
  const natsSettings = settings.nats ?? keptBus(settings, nats?.url ?? "");
  const bus = openLateBus({
    settings: natsSettings,
    copies: copiesOf(settings),
    server: settings.server,
    subjects,
    clock,
    log,
  });
  disposer.add("bus", () => bus.close());
  if (nats !== null) {
    const { restart } = nats;
    const isMember = (settings.natsServer?.cluster ?? null) !== null;
    const watch = watchStore({ refusingMs: () => bus.refusingMs(), restart, isMember, clock, log });
    disposer.add("store watch", () => watch.cancel());
  }
  const trust = watchOwnTrust(rim, settings, () => nats?.reload());

  const schema = await joinSchema({
    settings,
    paths,
    clock,
    log,
    newId,
    signal: stop.signal,
    refused(error) {
      refuse(error, rim, pair);
      stop.request(error.message);
    },
  }).catch((thrown: unknown): never => {
    refuse(ensureError(thrown), rim, pair);
    throw thrown;
  });
  forgetRefusal(paths);
  const sql = watchSqlContact(schema.gateway, clock);
  const { gateway } = sql;
  disposer.add("database", () => gateway.close());
  const { identity } = schema;
  const { server } = identity;
  log.info("working", { server, incarnation: identity.incarnation });
  const system = createActorSystem({
    host: server,
    transport: bus.transport,
    clock,
    rng: systemRng,
    logger: log,
    newId,
    onDefect: (error, path) => stop.request(`actor ${path} failed for good: ${error.message}`),
  });
  disposer.add("actors", () => system.stop(SYSTEM_STOP_MS));
  let role: RoleState = { role: "slave", masterId: null, epoch: 0 };
  const heartbeat = startHeartbeat({
    bus,
    subject: subjects.build({ kind: "heartbeat", server, part: "worker" }),
    clock,
    say: () => ({
      incarnation: identity.incarnation,
      role: role.role,
      epoch: role.epoch,
      sqlAgeMs: sql.ageMs(),
    }),
  });
  disposer.add("heartbeat", () => heartbeat.stop());
  if (nats !== null && (settings.natsServer?.cluster ?? null) !== null) {
    const steward = startSteward({
      gateway,
      connection: () => bus.connection,
      openSystem: () => nats.openSystem(),
      epoch: () => (role.role === "master" ? role.epoch : null),
      subjects,
      clock,
      log,
    });
    disposer.add("steward", () => steward.close());
  }
  const guardian = system.spawn(
    createGuardian({
      identity,
      gateway,
      joined: schema.joined,
      ledger: schema.ledger,
      system,
      bus,
      messages,
      clock,
      rng: systemRng,
      newId,
      log,
      baseEnv: processEnvironment(options.environment),
      settings: configured,
      trust,
      onRole: (state) => {
        role = state;
        heartbeat.sayNow();
      },
      onStop: (why, keepsBus) => {
        forgetBoot(paths.booted);
        pair.endsInOrder();
        if (!keepsBus) nats?.endsInOrder();
        stop.request(why);
      },
      onSuperseded: () => stop.request("a later worker of this server counts"),
    }),
    "guardian",
  );
  system.expose(Sentinel, "-", guardian);
  openActorsWindow(system);
  await writeEndpoints(paths, settings, natsSettings.url);
  if (options.boot) {
    const { bootId } = createProcReader();
    const boot = { system, gateway, identity, clock, log, booted: paths.booted, bootId, signal: stop.signal };
    schema.joined.then(
      () => autoBoot(boot),
      () => log.info("nothing is started by itself: this worker has not joined its node"),
    );
  }
  return await stop.requested;
}

/** Watches the watcher, and is watched. */
async function joinWatcher({ program, environment }: WorkerOptions, rim: Rim): Promise<{ endsInOrder(): void }> {
  const { paths, clock, log, messages, disposer } = rim;
  const proc = createProcReader();
  await announcePart(paths, "worker", proc);
  let inOrder = false;
  const channel = connectChannel(relative(paths.home, paths.channel), clock, {
    message: (message) => {
      if (message.type === "progress") guard.progressed();
    },
    up: () => channel.send({ type: "hello", part: "worker", pid: process.pid }),
    down: () => log.warn("the watcher's connection is gone"),
  });
  const guard = guardPeer({
    peer: "watcher",
    paths,
    clock,
    proc,
    log,
    messages,
    launch: () => launchPart(paths, "watcher", { program, extraArguments: ["--rejoin"], environment, proc }),
  });
  const progress = reportProgress(channel, clock);
  disposer.add("pair", async () => {
    guard.stop();
    progress.cancel();
    if (inOrder) {
      channel.send({ type: "stop" });
      await sleep(clock, FAREWELL_MS);
    }
    channel.close();
  });
  return {
    endsInOrder() {
      inOrder = true;
      guard.stop();
    },
  };
}

async function embeddedNats(
  { environment }: WorkerOptions,
  rim: Rim,
  { node, server, natsServer }: HomeSettings,
): Promise<Pick<EmbeddedNats, "url" | "restart" | "reload" | "openSystem"> & { endsInOrder(): void }> {
  const { paths, clock, log, disposer } = rim;
  const kept = await keepEmbeddedNats({
    paths,
    clock,
    log,
    proc: createProcReader(),
    rng: systemRng,
    environment,
    binary: findNatsServer(environment),
    serverName: server,
    clusterName: natsClusterName(node),
    settings: natsServer,
  });
  let inOrder = false;
  disposer.add("nats-server", () => (inOrder ? kept.stop() : kept.leave()));
  return {
    url: kept.url,
    restart: () => kept.restart(),
    reload: () => kept.reload(),
    openSystem: () => kept.openSystem(),
    endsInOrder() {
      inOrder = true;
    },
  };
}

/** The kept server reads certificates that were exchanged; those that connect read them anyway. */
function watchOwnTrust({ clock, log, disposer }: Rim, settings: HomeSettings, reload: () => void): TrustWatch | null {
  const files = trustFilesOf(settings);
  if (files === null) return null;
  const watch = watchTrust({ files, clock, log, exchanged: reload });
  disposer.add("trust watch", () => watch.close());
  return watch;
}

/** A server that may not run ends its whole sentinel and says so: nobody would bring it back. */
function refuse(error: Error, { paths, messages, log }: Rim, pair: { endsInOrder(): void }): void {
  if (!mayNotRun(error)) return;
  sayRefusal(paths, messages, error.message, log);
  pair.endsInOrder();
}
