/**
 * How soon a process that is killed runs again (own child, and adopted from an earlier worker), and how long 100 plain
 * processes take to start and to stop; on SQLite with `synchronous=FULL`, records fsynced. Beside each the floor: the same
 * with `child_process` alone. Run: `npm run bench:processes`
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { type ActorRef, createActorSystem } from "@castellan/actor";
import { createIdSource, createSystemClock, silentLogger as log, systemRng as rng } from "@castellan/kernel";
import { ProcessType } from "@castellan/protocol";
import {
  createKeeperWorld,
  createProcessTable,
  createStatusWriter,
  type ProcessTableCommand,
} from "@castellan/sentinel";
import { bootstrapNode, insert, newInstance, readNodeView, update, writeDefinition } from "@castellan/store";
import { openGateway } from "@castellan/store/typeorm";
import { assertNothingLeft, eventually, killAll, tempHome } from "@castellan/testkit";

const DEATHS = 40;
const MANY = 100;
const clock = createSystemClock();
const newId = createIdSource(clock, rng);
const home = await tempHome("castellan-bench-");
await Promise.all(["run", "logs"].map((name) => mkdir(home.path(name))));
const sqlite = { url: `sqlite:${home.path("node.db")}`, clock, rng, logger: log, migrate: "always" } as const;
const gateway = await openGateway(sqlite);
const { serverId } = await bootstrapNode(gateway, { node: "bench", dirName: home.dir, server: "hades", clock });

/** Says when it runs, in a file: nanoseconds since the epoch. */
const BORN = home.path("born");
const TELLING = ["sh", "-c", `date +%s%N >> ${BORN}; exec sleep 1000`];
const PLAIN = ["sleep", "1000"];

async function define(type: string, command: string[], instances: number): Promise<void> {
  const definition = writeDefinition(ProcessType.parse({ command }));
  await gateway.commit([
    insert("process_type", { logical_process_name: type, definition, row_version: 1 }),
    ...Array.from({ length: instances }, (_, at) =>
      insert("process_config", newInstance({ serverId, type, instance: at + 1 })),
    ),
  ]);
}

async function startWorker(incarnation: number) {
  const row = { incarnation, nonce: newId(), started_at: clock.now(), last_seen_at: clock.now(), ended_at: null };
  const key = { logical_machine_id: serverId };
  await gateway.commit([incarnation === 1 ? insert("sentinel", { ...key, ...row }) : update("sentinel", key, row)]);
  const identity = { node: "bench", server: "hades", serverId, incarnation, home: home.dir };
  const system = createActorSystem({ host: "hades", clock, rng, newId, logger: log });
  const status = createStatusWriter({ gateway, identity, clock, rng, newId, log, onSuperseded: () => undefined });
  const world = createKeeperWorld({
    identity,
    clock,
    log,
    status,
    grants: { permit: async () => ({ guarded: false }), guard: null },
    baseEnv: { PATH: process.env["PATH"] ?? "" },
    events: { publish: () => undefined },
    alerts: { report: () => Promise.resolve() },
    messages: {
      error: (_id, text) => appendFileSync(home.path("logs", "sw_error"), `${text}\n`),
      warn: () => undefined,
      hasError: () => false,
    },
  });
  const table: ActorRef<ProcessTableCommand> = system.spawn(
    createProcessTable({ ...world, readView: () => readNodeView(gateway) }),
    "processes",
  );
  const keeper = (type: string, instance: number) =>
    table.ask<"GetKeeper">({ type: "GetKeeper", key: { type, instance } }, { timeoutMs: 20_000 });
  return {
    bring: async (type: string, instance: number, desired: "RUNNING" | "STOPPED") =>
      (await keeper(type, instance)).ask<"Bring">(
        { type: "Bring", desired, launchId: newId(), by: "b" },
        { timeoutMs: 60_000 },
      ),
    pid: async (type: string, instance: number) =>
      (await (await keeper(type, instance)).ask<"GetStatus">({ type: "GetStatus" }, { timeoutMs: 5000 })).pid,
    async stop() {
      await status.flush(5000);
      await status.close();
      await system.stop(2000);
    },
  };
}

const births = (): string[] => {
  try {
    return readFileSync(BORN, "utf8").trim().split("\n");
  } catch {
    return [];
  }
};
/** Milliseconds from the kill to the line of the replacement. */
async function untilBorn(kill: () => void): Promise<number> {
  const before = births().length;
  const killedMs = performance.timeOrigin + performance.now();
  kill();
  const line = await eventually(() => births()[before] ?? null, {
    withinMs: 10_000,
    everyMs: 5,
    describe: "a replacement",
  });
  return Number(line) / 1e6 - killedMs;
}
const killByPid = (pid: number | null): void => void (pid !== null && process.kill(pid, "SIGKILL"));
const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const from = performance.now();
  await work();
  return performance.now() - from;
};
const show = (what: string, values: readonly number[]): void => {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(1);
  console.log(`| ${what} | ${at(0.5)} | ${at(0.95)} | ${at(1)} |`);
};

async function floorOfReplacement(): Promise<number[]> {
  const values: number[] = [];
  let child = spawn("sh", TELLING.slice(1), { detached: true, stdio: "ignore" });
  await eventually(() => births().length > 0, { withinMs: 5000 });
  for (let death = 0; death < DEATHS; death += 1) {
    child.once("exit", () => {
      child = spawn("sh", TELLING.slice(1), { detached: true, stdio: "ignore" });
    });
    values.push(await untilBorn(() => killByPid(child.pid ?? null)));
  }
  child.kill("SIGKILL");
  return values;
}

async function floorOfMany(): Promise<[number, number]> {
  const children = Array.from(
    { length: MANY },
    () => () => spawn("sleep", ["1000"], { detached: true, stdio: "ignore" }),
  );
  const started: ReturnType<typeof spawn>[] = [];
  const start = await timed(() =>
    Promise.all(children.map((make) => once(started[started.push(make()) - 1] ?? make(), "spawn"))),
  );
  const stop = await timed(() =>
    Promise.all(
      started.map((child) => {
        child.kill("SIGTERM");
        return once(child, "exit");
      }),
    ),
  );
  return [start, stop];
}

await define("TELL", TELLING, 1);
await define("PLAIN", PLAIN, MANY);
await gateway.commit([
  insert("process_attributes", {
    logical_machine_id: 0,
    logical_process_name: "ALL",
    logical_process_instance: 0,
    attribute_name: "PROCESS_MAX_RESTARTS",
    attribute_value: "0",
    attribute_type: "I",
  }),
  insert("process_attributes", {
    logical_machine_id: 0,
    logical_process_name: "ALL",
    logical_process_instance: 0,
    attribute_name: "PROCESS_MIN_RESTART_PERIOD",
    attribute_value: "0",
    attribute_type: "I",
  }),
]);

try {
  console.log("| milliseconds | median | p95 | max |\n|---|---|---|---|");
  show("replacement, child_process alone", await floorOfReplacement());
  const first = await startWorker(1);
  await first.bring("TELL", 1, "RUNNING");
  const own: number[] = [];
  for (let death = 0; death < DEATHS; death += 1) {
    const pid = await first.pid("TELL", 1);
    own.push(await untilBorn(() => killByPid(pid)));
    await eventually(async () => (await first.pid("TELL", 1)) !== pid, { withinMs: 5000 });
  }
  show("replacement of a child", own);

  const adopted: number[] = [];
  let worker = first;
  for (let incarnation = 2; incarnation < 2 + DEATHS / 4; incarnation += 1) {
    await worker.stop();
    worker = await startWorker(incarnation);
    const pid = await eventually(() => worker.pid("TELL", 1), { withinMs: 5000, describe: "adopted" });
    adopted.push(await untilBorn(() => killByPid(pid)));
  }
  show("replacement of an adopted process", adopted);
  await worker.bring("TELL", 1, "STOPPED");

  const [floorStart, floorStop] = await floorOfMany();
  show(`start of ${MANY}, child_process alone`, [floorStart]);
  const all = Array.from({ length: MANY }, (_, at) => at + 1);
  const bringAll = (desired: "RUNNING" | "STOPPED") => () =>
    Promise.all(all.map((n) => worker.bring("PLAIN", n, desired)));
  show(`start of ${MANY}`, [await timed(bringAll("RUNNING"))]);
  show(`stop of ${MANY}, child_process alone`, [floorStop]);
  show(`stop of ${MANY}`, [await timed(bringAll("STOPPED"))]);
  await worker.stop();
} finally {
  await killAll(home.dir);
  await gateway.close();
  await assertNothingLeft(home.dir);
  await home.remove();
}
