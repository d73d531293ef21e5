/**
 * The watcher: starts the worker, watches its progress, brings it back. It knows nothing else, so that there is little
 * in it to fail.
 */
import { existsSync } from "node:fs";
import { relative } from "node:path";
import { type Clock, createSystemClock, type Logger, sleep, type Timer } from "@castellan/kernel";
import { createPinoLogger } from "@castellan/kernel/pino";
import type { WorkerState } from "@castellan/protocol";
import {
  createMessageLog,
  createProcReader,
  listenChannel,
  type PairMessage,
  type ProcReader,
} from "@castellan/sentinel/pair";
import { type HomePaths, homePaths, makeHome } from "../home-paths.ts";
import { type Lock, takeLock } from "../lock.ts";
import { forgetMark } from "../pair/exchange-mark.ts";
import { guardPeer, type PeerGuardHandle } from "../pair/guard-peer.ts";
import { announcePart, launchPart, livingPart, type ProgramEntry, signalExactly } from "../pair/part.ts";
import { hasConfiguredBus } from "./configured-bus.ts";
import { WATCHER_ENDS_WITHIN_MS, WATCHER_WAITS_MS } from "./ending.ts";
import { reportProgress, runToItsEnd, type StopRequest, stopRequest } from "./program.ts";
import { takePlace } from "./watcher-exchange.ts";

export interface WatcherOptions {
  readonly home: string;
  readonly program: ProgramEntry;
  /** The node's processes were looked after a moment ago: do not start what an operator may have stopped. */
  readonly rejoin: boolean;
  /** Another pair of this home is ended first: this one is to take its place. */
  readonly exchange: boolean;
  readonly environment: NodeJS.ProcessEnv;
}

/** How long a watcher waits for its dead predecessor's lock, milliseconds. */
const LOCK_WAIT_MS = 2000;
const LOCK_LOOK_MS = 1000;
const VOICE_END_MS = 1000;
/** Node's four file threads are few beside file systems that hang; the disk watch may have three of them waiting. */
const WORKER_FILE_THREADS = "8";

/** Runs until told to stop, and ends the process; with 0 also when another watcher of this home lives. */
export async function runWatcher(options: WatcherOptions): Promise<never> {
  const stop = stopRequest();
  return await runToItsEnd(stop, () => runUntil(stop, options), {
    withinMs: WATCHER_ENDS_WITHIN_MS,
    overdue: () => undefined, // it waits for its worker, which has said what that waits for
  });
}

async function runUntil(stop: StopRequest, options: WatcherOptions): Promise<number> {
  process.title = `castellan watcher --home ${options.home}`;
  const paths = homePaths(options.home);
  makeHome(paths);
  process.chdir(paths.home);
  const clock = createSystemClock();
  const log = createPinoLogger({ file: `${paths.logs}/castellan-watcher.log`, fields: { part: "watcher" } });
  const proc = createProcReader();
  const place = options.exchange ? await takePlace({ paths, clock, log, proc }) : null;
  if (options.exchange && place === null) return 0;
  // Of two that were launched at once, one must not wait for the other's end to take its place.
  const hasLiving = (): boolean => livingPart(paths, "watcher", proc) !== null;
  const lock = await takeLock(`${paths.run}/watcher.lock`, clock, LOCK_WAIT_MS, hasLiving);
  if (lock === null) {
    log.info("another watcher of this home is running", { home: paths.home });
    return 0;
  }
  await announcePart(paths, "watcher", proc);
  forgetMark(paths, proc);
  place?.done();
  return await watch(options, { paths, clock, log, lock, proc, stop });
}

interface Rim {
  readonly paths: HomePaths;
  readonly clock: Clock;
  readonly log: Logger;
  readonly lock: Lock;
  readonly proc: ProcReader;
  readonly stop: StopRequest;
}

async function watch(options: WatcherOptions, { paths, clock, log, lock, proc, stop }: Rim): Promise<number> {
  let guard: PeerGuardHandle | null = null;
  const heard = (message: PairMessage): void => {
    if (message.type === "progress") guard?.progressed();
    if (message.type === "stop") stop.request("the worker ends in order");
  };
  const channel = await listenChannel(relative(paths.home, paths.channel), {
    message: heard,
    up: () => channel.send({ type: "hello", part: "watcher", pid: process.pid }),
    down: () => log.warn("the worker's connection is gone"),
  });
  const progress = reportProgress(channel, clock);
  guard = guardPeer({
    peer: "worker",
    paths,
    clock,
    proc,
    log,
    messages: createMessageLog({ home: paths.home, pid: process.pid, instance: 2, clock, log }),
    launch: (first) =>
      launchPart(paths, "worker", {
        program: options.program,
        extraArguments: first && !options.rejoin ? ["--boot"] : [],
        environment: { UV_THREADPOOL_SIZE: WORKER_FILE_THREADS, ...options.environment },
        proc,
      }),
  });
  log.info("watching", { worker: guard.peer()?.pid ?? null });
  const voice = beginVoice(paths, clock, log, () => {
    if (stop.signal.aborted) return "down";
    return guard?.peer() === null ? "restarting" : "up";
  });

  const lockWatch = watchLock(lock, clock, stop);
  const why = await stop.requested;
  log.info("ending", { why });
  guard.stop();
  const worker = guard.peer();
  if (worker !== null) signalExactly(proc, worker, "SIGTERM");
  await untilGone(guard, { clock, log, proc });
  progress.cancel();
  lockWatch.cancel();
  channel.close();
  await voice();
  if (lock.isLost() && existsSync(paths.home)) {
    log.warn("run/ was removed: another watcher begins anew");
    makeHome(paths);
    launchPart(paths, "watcher", { ...options, extraArguments: ["--rejoin"], proc });
  }
  lock.release();
  return 0;
}

/** One that hangs where its own deadlines do not reach, in a driver or the kernel, is killed: nobody would come back to it. */
async function untilGone(
  guard: PeerGuardHandle,
  { clock, log, proc }: Pick<Rim, "clock" | "log" | "proc">,
): Promise<void> {
  const deadline = clock.bootMs() + WATCHER_WAITS_MS;
  while (guard.peer() !== null && clock.bootMs() < deadline) await sleep(clock, 50);
  const worker = guard.peer();
  if (worker === null) return;
  log.error("the worker has not ended in time and is killed; what it kept runs on", { pid: worker.pid });
  signalExactly(proc, worker, "SIGKILL");
}

/**
 * A watcher of several servers can be asked for its worker. What that takes is loaded only where a bus is configured; it
 * comes when it comes. Returns how to end it, which waits for little.
 */
function beginVoice(paths: HomePaths, clock: Clock, log: Logger, worker: () => WorkerState): () => Promise<void> {
  if (!hasConfiguredBus(paths.config)) return () => Promise.resolve();
  const loading = import("./watcher-voice.ts").then(({ speakForWorker }) =>
    speakForWorker({ paths, clock, log, worker }),
  );
  loading.catch((error: unknown) => log.warn("the watcher has no voice on the bus", { error }));
  return async () => {
    const over = new AbortController();
    const ended = loading.then((end) => end()).catch(() => undefined);
    await Promise.race([ended, sleep(clock, VOICE_END_MS, over.signal)]);
    over.abort();
  };
}

/** Without its lock a pair is not alone: it ends, worker and all, before another may begin beside it. */
function watchLock(lock: Lock, clock: Clock, stop: StopRequest): Timer {
  let timer: Timer | null = null;
  const look = (): void => {
    if (lock.isLost()) stop.request("run/ was removed");
    else timer = clock.after(LOCK_LOOK_MS, look);
  };
  look();
  return { cancel: () => timer?.cancel() };
}
