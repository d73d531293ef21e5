/** The nats-server of a home as a process: launched until it listens, recorded, found again, ended. */
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CastellanError, type Clock, type Logger, type Rng, readSmallFileSync, sleep } from "@castellan/kernel";
import type { ListenSettings } from "@castellan/protocol/home";
import {
  createProcReader,
  isProcessIdentity,
  type ProcessIdentity,
  type ProcReader,
  writeDurably,
} from "@castellan/sentinel/pair";
import { z } from "zod";
import type { HomePaths } from "../home-paths.ts";
import { identify, signalExactly } from "../pair/part.ts";
import { greetingOf } from "./socket.ts";

const NatsRecord = z.object({
  port: z.int().min(1).max(65_535),
  identity: z.custom<ProcessIdentity>(isProcessIdentity).nullable(),
});
type NatsRecord = z.infer<typeof NatsRecord>;

export interface LaunchDeps {
  readonly paths: HomePaths;
  /** Path of the server's program. */
  readonly binary: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly proc: ProcReader;
  readonly rng: Rng;
  readonly log: Logger;
}

/** How it is found without its record. */
const LABEL = "nats-server";
const STOP_WITHIN_MS = 5000;
const KILL_WITHIN_MS = 2000;

/** Where what a server of a home reads and writes is. */
export const natsFiles = ({ run, data, logs }: HomePaths) => ({
  config: join(run, "nats.conf"),
  record: join(run, "nats.json"),
  pidFile: join(run, "nats.pid"),
  portsDirectory: join(run, "nats-ports"),
  storeDirectory: join(data, "nats"),
  systemPassword: join(data, "nats-system"),
  logFile: join(logs, "nats-server.log"),
});

/** Rejects with NATS_NOT_STARTED (retryable) when it ends, or does not listen in time, or `signal` aborts first: then it is gone. */
export async function launchServer(
  deps: LaunchDeps,
  config: string,
  listen: ListenSettings,
  readyWithinMs: number,
  signal: AbortSignal,
): Promise<ProcessIdentity | null> {
  const { paths, clock, binary, environment } = deps;
  const files = natsFiles(paths);
  mkdirSync(files.storeDirectory, { recursive: true, mode: 0o700 });
  rmSync(files.portsDirectory, { recursive: true, force: true });
  mkdirSync(files.portsDirectory, { mode: 0o700 });
  writeFileSync(files.config, config, { mode: 0o600 });
  const output = openSync(files.logFile, "a");
  let ended = false;
  try {
    const child = spawn(binary, ["-c", files.config], {
      cwd: paths.home,
      detached: true,
      stdio: ["ignore", output, output],
      env: { ...environment, CASTELLAN_LAUNCH: LABEL, CASTELLAN_HOME: paths.home },
    });
    child.once("error", () => {
      ended = true;
    });
    child.once("exit", () => {
      ended = true;
    });
    child.unref();
    const { pid } = child;
    const identity = pid === undefined ? null : identify(deps.proc, pid);
    await writeDurably(files.record, `${JSON.stringify({ port: listen.port, identity })}\n`);
    const deadline = clock.bootMs() + readyWithinMs;
    // By its own word: another server on this port greets too.
    const listens = (): boolean => readdirSync(files.portsDirectory).some((name) => name.endsWith(`_${pid}.ports`));
    const isReady = async () => !ended && listens() && ((await greetingOf(listen)) ?? "") !== "";
    while (!(await isReady())) {
      const isLate = clock.bootMs() > deadline || signal.aborted;
      // It must not hold the port and the store when the next one comes.
      if (isLate && !ended && identity !== null) await killServer(identity, clock, deps.proc);
      if (ended || isLate) {
        throw new CastellanError(
          "NATS_NOT_STARTED",
          `the nats-server did not start on port ${listen.port}: see ${files.logFile}; ${binary} must be of version 2.10 or later`,
          { retryable: true, details: { binary, port: listen.port } },
        );
      }
      await sleep(clock, 10);
    }
    return identity;
  } finally {
    closeSync(output);
  }
}

/** Ends the server of a home whose sentinel is gone. False when there is none. */
export async function endEmbeddedNats(paths: HomePaths, clock: Clock): Promise<boolean> {
  return await endStrays({ paths, clock, proc: createProcReader() });
}

/** By its environment: the record may be gone, its server not, and two on one store would ruin it. */
export async function endStrays({
  paths,
  clock,
  proc,
}: Pick<LaunchDeps, "paths" | "clock" | "proc">): Promise<boolean> {
  let ended = false;
  for (const { pid, labels } of proc.findLaunched(LABEL)) {
    const stray = labels.get("CASTELLAN_HOME") === paths.home ? identify(proc, pid) : null;
    if (stray === null) continue;
    await endServer(stray, clock, proc);
    ended = true;
  }
  return ended;
}

/** In order when it goes within reason. */
export async function endServer(identity: ProcessIdentity, clock: Clock, proc: ProcReader): Promise<void> {
  signalExactly(proc, identity, "SIGTERM");
  const deadline = clock.bootMs() + STOP_WITHIN_MS;
  while (proc.isAlive(identity) && clock.bootMs() < deadline) await sleep(clock, 10);
  if (proc.isAlive(identity)) await killServer(identity, clock, proc);
}

/** Returns when it is gone, or does not go within reason. */
async function killServer(identity: ProcessIdentity, clock: Clock, proc: ProcReader): Promise<void> {
  signalExactly(proc, identity, "SIGKILL");
  const deadline = clock.bootMs() + KILL_WITHIN_MS;
  while (proc.isAlive(identity) && clock.bootMs() < deadline) await sleep(clock, 10);
}

const MAX_RECORD_BYTES = 64 * 1024;

/** Null: never started here, or a torn record; then a new server gets a new port. */
export function readRecord(paths: HomePaths): NatsRecord | null {
  try {
    const text = readSmallFileSync(natsFiles(paths).record, MAX_RECORD_BYTES).toString("utf8");
    const checked = NatsRecord.safeParse(JSON.parse(text));
    return checked.success ? checked.data : null;
  } catch {
    return null;
  }
}
