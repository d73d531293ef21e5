/**
 * The worker: everything a server's sentinel does. This file brings it up in order (lock, watcher, bus, schema,
 * incarnation, actors) and takes it down in reverse. Managed processes are touched by neither.
 */
import { hostname } from "node:os";
import { createActorSystem } from "@castellan/actor";
import { createIdSource, createSystemClock, ensureError, systemRng } from "@castellan/kernel";
import { createPinoLogger } from "@castellan/kernel/pino";
import { createSubjects, Sentinel } from "@castellan/protocol";
import { type RoleState, watchSqlContact } from "@castellan/sentinel";
import { createMessageLog, createProcReader } from "@castellan/sentinel/pair";
import { startHeartbeat } from "../bus/heartbeat.ts";
import { rememberMembers } from "../bus/known-members.ts";
import { startSteward } from "../bus/steward.ts";
import { homePaths, makeHome } from "../home-paths.ts";
import { takeLock } from "../lock.ts";
import { openActorsWindow } from "../node/actors-window.ts";
import { autoBoot, forgetBoot } from "../node/auto-boot.ts";
import { writeEndpoints } from "../node/endpoints.ts";
import { createGuardian } from "../node/guardian.ts";
import { createExchange } from "../pair/exchange.ts";
import { forgetRefusal, mayNotRun, sayRefusal } from "../pair/refusal.ts";
import { joinSchema } from "../schema/join-schema.ts";
import { readWorkerSettings } from "../settings.ts";
import { createEnding, WORKER_ENDS_WITHIN_MS } from "./ending.ts";
import { processEnvironment } from "./environment.ts";
import { joinWatcher, type WatcherTie } from "./join-watcher.ts";
import { runToItsEnd, stopRequest } from "./program.ts";
import { openWorkerBus } from "./worker-bus.ts";
import type { WorkerOptions, WorkerRim } from "./worker-rim.ts";

// By this door: whoever rehearses has loaded all that a worker is made of.
export { rehearseWorker } from "./rehearsal.ts";

const LOCK_WAIT_MS = 5000;
/** Less than the actors have as a part (`ending.ts`). */
const SYSTEM_STOP_MS = 8000;

/** Runs until told to stop, and ends the process; with 0 also when another worker of this home lives. */
export async function runWorker(options: WorkerOptions): Promise<never> {
  const stop = stopRequest();
  process.title = `castellan worker --home ${options.home}`;
  const paths = homePaths(options.home);
  makeHome(paths);
  process.chdir(paths.home);
  const clock = createSystemClock();
  const log = createPinoLogger({ file: `${paths.logs}/castellan-worker.log`, fields: { part: "worker" } });
  const ending = createEnding(clock);
  return await runToItsEnd(stop, () => runUntil(options, { paths, clock, log, stop, ending }), {
    withinMs: WORKER_ENDS_WITHIN_MS,
    overdue: () => log.error("not ended in time: this program ends now", { waitsFor: ending.current ?? "its work" }),
  });
}

type Outset = Pick<WorkerRim, "paths" | "clock" | "log" | "stop" | "ending">;

async function runUntil(options: WorkerOptions, outset: Outset): Promise<number> {
  const { paths, clock, log, ending } = outset;
  const lock = await takeLock(`${paths.run}/worker.lock`, clock, LOCK_WAIT_MS);
  if (lock === null) {
    log.info("another worker of this home is running", { home: paths.home });
    return 0;
  }
  ending.add("lock", () => lock.release());
  const messages = createMessageLog({ home: paths.home, pid: process.pid, instance: 1, clock, log });
  const newId = createIdSource(clock, systemRng);
  const rim: WorkerRim = { ...outset, newId, messages };
  try {
    const why = await work(options, rim);
    log.info("ending", { why });
    return 0;
  } catch (thrown) {
    log.error("the worker cannot go on", { error: ensureError(thrown) });
    return 1;
  } finally {
    for (const { name, error } of await ending.dispose()) log.warn("not ended in order", { name, error });
  }
}

async function work(options: WorkerOptions, rim: WorkerRim): Promise<string> {
  const { paths, clock, log, newId, messages, stop, ending } = rim;
  const pair = await joinWatcher(options, rim);
  const configured = await readWorkerSettings(paths, hostname());
  const { settings } = configured;
  if (configured.problem !== null) {
    log.error("castellan.yaml is wrong; the last good settings are used", { problem: configured.problem });
  }
  const subjects = createSubjects(settings.node);
  const { bus, trust, url, ...kept } = await openWorkerBus(options, rim, settings, subjects);
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
  ending.add("database", () => gateway.close());
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
  ending.add("actors", () => system.stop(SYSTEM_STOP_MS));
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
  ending.add("heartbeat", () => heartbeat.stop());
  const { openSystem } = kept;
  if (openSystem !== null) {
    const steward = startSteward({
      gateway,
      connection: () => bus.connection,
      openSystem,
      epoch: () => (role.role === "master" ? role.epoch : null),
      subjects,
      clock,
      log,
    });
    ending.add("steward", () => steward.close());
    const members = rememberMembers({ paths, gateway, serverId: identity.serverId, clock, log });
    ending.add("members", () => members.close());
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
        if (!keepsBus) kept.endsInOrder();
        stop.request(why);
      },
      exchange: createExchange({ paths, program: options.program, environment: options.environment, log }),
      onSuperseded: () => stop.request("a later worker of this server counts"),
    }),
    "guardian",
  );
  system.expose(Sentinel, "-", guardian);
  openActorsWindow(system);
  await writeEndpoints(paths, settings, url);
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

/** A server that may not run ends its whole sentinel and says so: nobody would bring it back. */
function refuse(error: Error, { paths, messages, log }: WorkerRim, pair: WatcherTie): void {
  if (!mayNotRun(error)) return;
  sayRefusal(paths, messages, error.message, log);
  pair.endsInOrder();
}
