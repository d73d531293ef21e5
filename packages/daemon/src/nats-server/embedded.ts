/**
 * The embedded nats-server of a home: detached, found again by the next worker, brought back when it dies, replaced when
 * it hangs. It keeps its port for life, so that every client's address stays true.
 */
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import {
  type Backoff,
  backoffMs,
  CastellanError,
  type Clock,
  type Logger,
  type Rng,
  readSmallFileSync,
  sleep,
  type Timer,
} from "@castellan/kernel";
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
import { natsServerConfig } from "./config.ts";

const NatsRecord = z.object({
  port: z.int().min(1).max(65_535),
  identity: z.custom<ProcessIdentity>(isProcessIdentity).nullable(),
});
type NatsRecord = z.infer<typeof NatsRecord>;

export interface EmbeddedNatsDeps {
  readonly paths: HomePaths;
  /** Path of the server's program. */
  readonly binary: string;
  readonly serverName: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly proc: ProcReader;
  readonly rng: Rng;
  readonly log: Logger;
}

export interface EmbeddedNats {
  readonly url: string;
  /** Ends it in order; it is back within moments. */
  restart(): void;
  /** Look after it no more; it goes on. */
  leave(): void;
  /** Ends it in order. */
  stop(): Promise<void>;
}

/** How it is found without its record. */
const LABEL = "nats-server";
const LOOK_MS = 200;
/** Every so many looks it is asked for a greeting; so many silences in a row mean that it hangs. */
const GREETING_EVERY = 5;
const MOST_SILENCES = 3;
const GREETING_MS = 500;
/** For a first attempt; a large store may take longer to read, so each further one gets twice as long. */
const READY_WITHIN_MS = 10_000;
const READY_AT_MOST_MS = 160_000;
const STOP_WITHIN_MS = 5000;
const KILL_WITHIN_MS = 2000;
const RELAUNCH: Backoff = { firstMs: 100, maxMs: 5000 };

/** Adopts or starts the server. Resolves after the first attempt; a server that does not start is tried again for ever. */
export async function keepEmbeddedNats(deps: EmbeddedNatsDeps): Promise<EmbeddedNats> {
  const { paths, clock, log, proc } = deps;
  const file = join(paths.run, "nats.json");
  const record = readRecord(file);
  if (record === null) await endStrays(deps);
  const port = record?.port ?? (await freePort());
  let identity = record?.identity ?? null;
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
    silences = (await greeting(port)) === null ? silences + 1 : 0;
    if (silences < MOST_SILENCES || left) return;
    silences = 0;
    log.error("the embedded nats-server hangs and is killed", { pid: running.pid, port });
    signalExactly(proc, running, "SIGKILL");
  };
  const look = async (): Promise<void> => {
    if (identity !== null && proc.isAlive(identity)) await killIfHung(identity);
    else {
      try {
        identity = await launch(deps, file, port, Math.min(READY_AT_MOST_MS, READY_WITHIN_MS * 2 ** failures));
        failures = 0;
        log.info("started the embedded nats-server", { pid: identity?.pid ?? null, port });
      } catch (error) {
        failures += 1;
        log.error("the embedded nats-server does not start", { error, failures, seeAlso: "logs/nats-server.log" });
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
    url: `nats://127.0.0.1:${port}`,
    restart() {
      if (identity !== null) signalExactly(proc, identity, "SIGTERM");
    },
    leave,
    async stop() {
      leave();
      await looking; // it may just be coming back
      if (identity !== null) await endServer(identity, clock, proc);
    },
  };
}

async function launch(
  deps: EmbeddedNatsDeps,
  file: string,
  port: number,
  readyWithinMs: number,
): Promise<ProcessIdentity | null> {
  const { paths, clock, binary, environment } = deps;
  // A name of this launch alone: another server on this port does not greet with it.
  const serverName = `${deps.serverName}-${Buffer.from(deps.rng.bytes(6)).toString("hex")}`;
  const storeDirectory = join(paths.data, "nats");
  mkdirSync(storeDirectory, { recursive: true, mode: 0o700 });
  const config = join(paths.run, "nats.conf");
  writeFileSync(config, natsServerConfig({ port, storeDirectory, pidFile: join(paths.run, "nats.pid"), serverName }));
  const output = openSync(join(paths.logs, "nats-server.log"), "a");
  let ended = false;
  try {
    const child = spawn(binary, ["-c", config], {
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
    const identity = child.pid === undefined ? null : identify(deps.proc, child.pid);
    await writeDurably(file, `${JSON.stringify({ port, identity })}\n`);
    const deadline = clock.bootMs() + readyWithinMs;
    const isOurs = async () => (await greeting(port))?.includes(`"server_name":"${serverName}"`) ?? false;
    while (!(await isOurs())) {
      const isLate = clock.bootMs() > deadline;
      // It must not hold the port and the store when the next one comes.
      if (isLate && !ended && identity !== null) await killServer(identity, clock, deps.proc);
      if (ended || isLate) {
        throw new CastellanError(
          "NATS_NOT_STARTED",
          `the embedded nats-server did not start on port ${port}: see ${join(paths.logs, "nats-server.log")}`,
          { retryable: true, details: { binary, port } },
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
async function endStrays({ paths, clock, proc }: Pick<EmbeddedNatsDeps, "paths" | "clock" | "proc">): Promise<boolean> {
  let ended = false;
  for (const { pid, labels } of proc.findLaunched(LABEL)) {
    const stray = labels.get("CASTELLAN_HOME") === paths.home ? identify(proc, pid) : null;
    if (stray === null) continue;
    await endServer(stray, clock, proc);
    ended = true;
  }
  return ended;
}

async function endServer(identity: ProcessIdentity, clock: Clock, proc: ProcReader): Promise<void> {
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

function readRecord(file: string): NatsRecord | null {
  try {
    const checked = NatsRecord.safeParse(JSON.parse(readSmallFileSync(file, MAX_RECORD_BYTES).toString("utf8")));
    return checked.success ? checked.data : null;
  } catch {
    return null; // never started here, or a torn record: a new server gets a new port
  }
}

/** A port nobody has at this moment. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}

/** What a nats-server says to every connection: INFO, with its name in it. Empty when there is none; null when it is silent. */
function greeting(port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const answer = (said: string | null): void => {
      socket.destroy();
      resolve(said);
    };
    socket.setTimeout(GREETING_MS, () => answer(null));
    socket.once("error", () => answer(""));
    socket.once("close", () => answer(""));
    socket.once("data", (chunk) => answer(chunk.toString("latin1")));
  });
}
