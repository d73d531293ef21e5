import { execFileSync } from "node:child_process";
import { mkdir, rm } from "node:fs/promises";
import { EVENT_CODE } from "@castellan/protocol";
import { eventually, fakePrograms, findProcesses } from "@castellan/testkit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createProcReader } from "../../src/process/identity.ts";
import { newId, ServerKit } from "./server-kit.ts";

const node = process.execPath;
const inline = (script: string): string[] => [node, "-e", script];
const proc = createProcReader();
const isAlive = (pid: number | null): boolean => pid !== null && proc.stat(pid) !== null;

let kit: ServerKit;
beforeEach(async () => {
  kit = await ServerKit.create();
});
afterEach(async () => {
  await kit.dispose();
});

/** Leaders of the instances of this home, each once. */
const copies = (program: string) => findProcesses(kit.home.dir).filter(({ command }) => command.includes(program));

describe("start and stop", () => {
  test("start answers when ready, names its labels, writes its output; stop by signal leaves nothing", async () => {
    await kit.define("WIS", 1, {
      command: [
        node,
        "-e",
        "console.log('env', process.env.CASTELLAN_TYPE, process.env.GREETING, process.argv[1]); setInterval(() => {}, 1e6)",
        "{type}-{instance}@{server}",
      ],
      env: { GREETING: "{TYPE} in {node}" },
      ready: { logLine: "^env WIS", timeout: "60s" },
    });
    const worker = await kit.worker();
    expect(await worker.bring("WIS", 1, "RUNNING")).toEqual({ status: "RUNNING", comment: "started" });
    expect(await kit.output("WIS", 1)).toBe("env WIS WIS in ips1 wis-1@hades\n");
    const { pid } = await worker.statusOf("WIS", 1);
    expect(await worker.bring("WIS", 1, "STOPPED")).toEqual({ status: "STOPPED", comment: "stopped" });
    expect(isAlive(pid)).toBe(false);
    expect(await worker.bring("WIS", 1, "STOPPED")).toMatchObject({ comment: "already stopped" });
  });

  test("one that ignores the signal is killed after its grace, with its whole group", async () => {
    await kit.define("WIS", 1, {
      command: [node, fakePrograms.stubborn],
      ready: { logLine: "started", timeout: "60s" },
      stop: { grace: "2s" }, // in which it has said that it does
    });
    const worker = await kit.worker();
    await worker.bring("WIS", 1, "RUNNING");
    expect(await worker.bring("WIS", 1, "STOPPED")).toMatchObject({
      status: "STOPPED",
      comment: expect.stringContaining("killed"),
    });
    expect(await kit.output("WIS", 1)).toContain("ignoring SIGTERM");
  });

  test("status, running process and events are in the schema, in order, with the incarnation", async () => {
    await kit.define("WIS", 1, { command: [node, fakePrograms.steady] });
    const worker = await kit.worker();
    await worker.bring("WIS", 1, "RUNNING");
    const { pid } = await worker.statusOf("WIS", 1);
    expect(await worker.status.flush(30_000)).toBe(true);
    expect(await kit.row("WIS", 1)).toMatchObject({ last_known_status: "RUNNING", incarnation: 1, restarts: 0 });
    expect(await kit.gateway.find("running_processes")).toMatchObject([
      { process_id: pid, logical_process_name: "WIS" },
    ]);
    await worker.bring("WIS", 1, "STOPPED");
    await worker.status.flush(30_000);
    expect(await kit.row("WIS", 1)).toMatchObject({ last_known_status: "STOPPED" });
    expect(await kit.gateway.find("running_processes")).toEqual([]);
    const log = await kit.gateway.find("process_event_log", { orderBy: [{ column: "id" }] });
    expect(log.map(({ process_status, process_id }) => [process_status, process_id])).toEqual([
      [3000, pid],
      [3001, pid],
      [3002, pid],
    ]);
    expect(kit.events.map(({ what }) => what)).toEqual(["starting", "running", "stopping", "stopped"]);
  });

  test.each([
    ["no such program", { command: ["/nowhere/program"] }, 'there is no program "/nowhere/program"'],
    ["not executable", { command: ["/etc/passwd"] }, "may not be executed"],
    ["no such directory", { command: [node], cwd: "nowhere" }, "does not exist"],
  ])("%s is told in a sentence, at once", async (_what, definition, sentence) => {
    await kit.define("WIS", 1, definition);
    const worker = await kit.worker();
    await expect(worker.bring("WIS", 1, "RUNNING")).rejects.toMatchObject({
      code: "START_FAILED",
      message: expect.stringContaining(sentence),
    });
    expect(kit.alerts).toMatchObject([
      { phase: "raised", alert: { kind: "process", summary: expect.stringContaining("WIS 1 on hades is suspended") } },
    ]);
    await worker.bring("WIS", 1, "STOPPED");
    await eventually(() => kit.alerts.length === 2);
    expect(kit.alerts[1]).toMatchObject({
      phase: "resolved",
      alert: { summary: "WIS 1 on hades is not suspended any more" },
    });
  });

  test("one that does not become ready is refused with the reason, and not left running unready", async () => {
    await kit.attribute("PROCESS_MAX_RESTARTS", "1");
    await kit.define("WIS", 1, { command: [node, fakePrograms.steady], ready: { tcp: 1, timeout: "2s" } });
    const worker = await kit.worker();
    await expect(worker.bring("WIS", 1, "RUNNING")).rejects.toMatchObject({
      code: "START_FAILED",
      message: expect.stringContaining("nothing listens on 127.0.0.1:1"),
    });
    await worker.until("WIS", 1, "SUSPENDED");
    expect(copies("steady")).toEqual([]);
  });

  test("pause stops the whole group, stop ends a paused one", async () => {
    await kit.define("BG", 1, { command: [node, fakePrograms.steady], pausable: true, ready: { logLine: "started" } });
    const worker = await kit.worker();
    await worker.bring("BG", 1, "RUNNING");
    await worker.bring("BG", 1, "PAUSED");
    await eventually(() => copies("steady").every(({ state }) => state === "T"));
    await worker.bring("BG", 1, "UNPAUSED");
    await eventually(() => copies("steady").every(({ state }) => state !== "T"));
    await worker.bring("BG", 1, "PAUSED");
    expect(await worker.bring("BG", 1, "STOPPED")).toEqual({ status: "STOPPED", comment: "stopped" });
    expect(await worker.status.flush(30_000)).toBe(true);
    const log = await kit.gateway.find("process_event_log", { orderBy: [{ column: "id" }] });
    expect(log.map((row) => row.process_status)).toEqual([3000, 3004, 3005, 3004, 3001, 3002]);
  });

  test("a type may say how it is paused; a stop still ends what stands still", async () => {
    const program = `process.on("SIGUSR1", () => console.log("paused")); process.on("SIGUSR2", () => console.log("resumed"));
      setInterval(() => {}, 60000); console.log("started");`;
    await kit.define("OWN", 1, {
      command: [node, "-e", program],
      pausable: true,
      pause: { signal: "SIGUSR1", resume: "SIGUSR2" },
      ready: { logLine: "^started" },
    });
    const worker = await kit.worker();
    await worker.bring("OWN", 1, "RUNNING");
    await worker.bring("OWN", 1, "PAUSED");
    await eventually(async () => (await kit.output("OWN", 1)).includes("paused"));
    await worker.bring("OWN", 1, "UNPAUSED");
    await eventually(async () => (await kit.output("OWN", 1)).includes("resumed"));
    await worker.bring("OWN", 1, "PAUSED");
    expect(await worker.bring("OWN", 1, "STOPPED")).toEqual({ status: "STOPPED", comment: "stopped" });
  });
});

test("a FIFO in the place of its log file holds up nobody and is told of", async () => {
  await kit.define("WIS", 2, { command: [node, fakePrograms.steady], ready: { logLine: "started" } });
  await mkdir(kit.home.path("logs"), { recursive: true });
  execFileSync("mkfifo", [kit.home.path("logs", "WIS_1.log")]);
  const worker = await kit.worker();
  await expect(worker.bring("WIS", 1, "RUNNING")).rejects.toThrow("WIS_1.log is a FIFO");
  expect(await worker.bring("WIS", 2, "RUNNING")).toMatchObject({ status: "RUNNING" });
});

describe("deaths", () => {
  test("a killed process is replaced by another, and sw_error says so", async () => {
    await kit.define("WIS", 1, { command: [node, fakePrograms.steady], ready: { logLine: "started" } });
    const worker = await kit.worker();
    await worker.bring("WIS", 1, "RUNNING");
    const { pid } = await worker.statusOf("WIS", 1);
    process.kill(pid ?? Number.NaN, "SIGKILL");
    await eventually(async () => (await worker.statusOf("WIS", 1)).pid !== pid);
    await worker.until("WIS", 1, "RUNNING");
    expect(copies("steady")).toHaveLength(1);
    expect((await worker.statusOf("WIS", 1)).restarts).toBe(1);
    expect(kit.complaints).toEqual([expect.stringMatching(/^1888 Process WIS 1 on server hades .*SIGKILL/)]);
  });

  test("too many deaths suspend, with one alert that names process, server, exit code and last words; RESTART resolves it", async () => {
    await kit.attribute("PROCESS_MAX_RESTARTS", "2");
    await kit.define("WIS", 1, { command: [node, fakePrograms.crashing, "0", "7"] });
    const worker = await kit.worker();
    const started = worker.bring("WIS", 1, "RUNNING").catch((error: unknown) => error);
    await worker.until("WIS", 1, "SUSPENDED");
    await started;
    expect(kit.alerts).toHaveLength(1);
    const summary = kit.alerts[0]?.alert.summary ?? "";
    for (const part of ["WIS 1", "hades", "exit code 7", "crashing with 7"]) expect(summary).toContain(part);
    await expect(worker.bring("WIS", 1, "RUNNING")).rejects.toMatchObject({
      code: "SUSPENDED",
      message: expect.stringContaining("RESTART"),
    });

    await kit.redefine("WIS", { command: [node, fakePrograms.steady] });
    expect(await worker.bring("WIS", 1, "RESTARTED")).toMatchObject({ status: "RUNNING" });
    await eventually(() => kit.alerts.length === 2);
    expect(kit.alerts[1]).toMatchObject({ phase: "resolved", alert: { cause: kit.alerts[0]?.alert.cause } });
  });

  test("a grandchild left behind is killed before the replacement starts", async () => {
    await kit.define("WIS", 1, {
      command: [node, fakePrograms.forking],
      ready: { logLine: "grandchild", timeout: "60s" },
    });
    const worker = await kit.worker();
    await worker.bring("WIS", 1, "RUNNING");
    const before = (await kit.output("WIS", 1)).match(/grandchild (\d+)/)?.[1];
    const { pid } = await worker.statusOf("WIS", 1);
    process.kill(pid ?? Number.NaN, "SIGKILL");
    await eventually(async () => ((await kit.output("WIS", 1)).match(/grandchild/g) ?? []).length === 2);
    expect(isAlive(Number(before))).toBe(false);
    await eventually(() => copies("steady").length === 1);
    await worker.bring("WIS", 1, "STOPPED");
    expect(findProcesses(kit.home.dir)).toEqual([]);
  });
});

const daemonOf = async (): Promise<number> =>
  Number(
    (await kit.output("WIS", 1))
      .match(/daemon (\d+)/g)
      ?.at(-1)
      ?.slice("daemon ".length),
  );

/** What has left the group lives on after the worker, and after the instance it came from. */
async function orphanedDaemon(): Promise<{ readonly pid: number | null; readonly daemon: number }> {
  await kit.define("WIS", 1, {
    command: [node, fakePrograms.leaving],
    ready: { logLine: "daemon", timeout: "60s" },
  });
  const first = await kit.worker();
  await first.bring("WIS", 1, "RUNNING");
  const { pid } = await first.statusOf("WIS", 1);
  const daemon = await daemonOf();
  await eventually(async () => (await kit.record("WIS", 1)).isReady === true);
  await first.drop();
  process.kill(pid ?? Number.NaN, "SIGKILL");
  await eventually(() => !isAlive(pid));
  return { pid, daemon };
}

describe("what leaves the process group", () => {
  test("hears the signal to stop when its parent has ended, and a stop leaves nothing of it", async () => {
    await kit.define("WIS", 1, {
      command: [node, fakePrograms.leaving],
      ready: { logLine: "daemon", timeout: "60s" },
    });
    const worker = await kit.worker();
    await worker.bring("WIS", 1, "RUNNING");
    const daemon = await daemonOf();
    await eventually(async () => (await kit.output("WIS", 1)).includes("started"));
    expect(await worker.bring("WIS", 1, "STOPPED")).toEqual({ status: "STOPPED", comment: "stopped" });
    expect(isAlive(daemon)).toBe(false);
    expect(await kit.output("WIS", 1)).toContain("stopping");
    expect(findProcesses(kit.home.dir)).toEqual([]);
  });

  test("is not taken for the instance by the next worker, and goes at the next stop", async () => {
    const { pid, daemon } = await orphanedDaemon();

    const second = await kit.worker();
    await eventually(async () => ((await kit.output("WIS", 1)).match(/daemon/g) ?? []).length === 2);
    const replacement = await second.until("WIS", 1, "RUNNING");
    expect([pid, daemon]).not.toContain(replacement);
    expect((await second.statusOf("WIS", 1)).restarts).toBe(1);
    await second.bring("WIS", 1, "STOPPED");
    expect(findProcesses(kit.home.dir)).toEqual([]);
  });

  test("goes also when the worker was killed while it waited for that", async () => {
    const { daemon } = await orphanedDaemon();
    await kit.writeRecord("WIS", 1, { ...(await kit.record("WIS", 1)), wish: "STOPPED" });

    const second = await kit.worker();
    await second.until("WIS", 1, "STOPPED");
    expect(isAlive(daemon)).toBe(false);
    expect(kit.complaints).toEqual([]);
  });
});

describe("after the worker was killed", () => {
  test("a death that the last worker has told of is told once", async () => {
    await kit.define("WIS", 1, { command: [node, fakePrograms.steady], ready: { logLine: "started" } });
    const first = await kit.worker();
    await first.bring("WIS", 1, "RUNNING");
    await eventually(async () => (await kit.record("WIS", 1)).isReady === true);
    const { pid } = await first.statusOf("WIS", 1);
    const record = await kit.record("WIS", 1);
    process.kill(pid ?? Number.NaN, "SIGKILL");
    await eventually(async () => (await first.statusOf("WIS", 1)).pid !== pid);
    const replacement = await first.until("WIS", 1, "RUNNING");
    await first.status.flush(30_000);
    await first.drop();
    // As if it had been killed before the replacement.
    process.kill(replacement ?? Number.NaN, "SIGKILL");
    await eventually(() => !isAlive(replacement));
    await kit.writeRecord("WIS", 1, record);

    const second = await kit.worker();
    await second.until("WIS", 1, "RUNNING");
    await second.status.flush(30_000);
    expect((await second.statusOf("WIS", 1)).restarts).toBe(1);
    expect(kit.complaints).toEqual([expect.stringContaining(`(pid ${pid}) has ended`)]);
    const log = await kit.gateway.find("process_event_log", { where: { process_status: EVENT_CODE.died } });
    expect(log.map(({ process_id }) => process_id)).toEqual([pid]);
    const told = kit.published.filter(({ type }) => type === "castellan.process.failed");
    expect(told).toHaveLength(2);
    expect(new Set(told.map(({ id }) => id)).size).toBe(1);
  });

  test("what runs is adopted, kept and stopped; what dies then is replaced", async () => {
    await kit.define("WIS", 3, { command: [node, fakePrograms.steady], ready: { logLine: "started" } });
    const first = await kit.worker();
    await Promise.all([1, 2, 3].map((instance) => first.bring("WIS", instance, "RUNNING")));
    const pids = await Promise.all([1, 2, 3].map(async (instance) => (await first.statusOf("WIS", instance)).pid));
    await eventually(async () => (await kit.record("WIS", 3)).isReady === true);
    await first.status.flush(30_000);
    const since = (await kit.row("WIS", 3))?.status_since;
    await first.drop();

    const second = await kit.worker();
    for (const [index, pid] of pids.entries()) expect(await second.until("WIS", index + 1, "RUNNING")).toBe(pid);
    expect(copies("steady")).toHaveLength(3);
    process.kill(pids[0] ?? Number.NaN, "SIGKILL");
    await eventually(async () => (await second.statusOf("WIS", 1)).pid !== pids[0]);
    await second.until("WIS", 1, "RUNNING");
    expect(await second.bring("WIS", 2, "STOPPED")).toMatchObject({ comment: "stopped" });
    expect(copies("steady")).toHaveLength(2);
    await second.status.flush(30_000);
    expect(await kit.row("WIS", 3)).toMatchObject({
      last_known_status: "RUNNING",
      incarnation: 2,
      status_since: since,
    });
  });

  test("spawned but not recorded: found by its launch id, not doubled", async () => {
    await kit.define("WIS", 1, { command: [node, fakePrograms.steady] });
    const first = await kit.worker();
    const launchId = newId();
    await first.bring("WIS", 1, "RUNNING", launchId);
    const { pid } = await first.statusOf("WIS", 1);
    await eventually(async () => (await kit.record("WIS", 1)).phase === "launched");
    await first.drop();
    await kit.writeRecord("WIS", 1, {
      ...(await kit.record("WIS", 1)),
      phase: "intent",
      identity: null,
      isReady: false,
    });

    const second = await kit.worker();
    expect(await second.until("WIS", 1, "RUNNING")).toBe(pid);
    expect(await second.bring("WIS", 1, "RUNNING", launchId)).toMatchObject({ comment: "already running" });
    expect(copies("steady")).toHaveLength(1);
  });

  test("a record that was lost altogether: its process is found by its environment", async () => {
    await kit.define("WIS", 2, { command: [node, fakePrograms.steady] });
    const first = await kit.worker();
    await first.bring("WIS", 1, "RUNNING");
    const { pid } = await first.statusOf("WIS", 1);
    await first.drop();
    await rm(kit.home.path("run", "processes"), { recursive: true });
    const second = await kit.worker();
    expect(await second.until("WIS", 1, "RUNNING")).toBe(pid);
  });

  test("an intent that never spawned is started by whoever asks again, once", async () => {
    await kit.define("WIS", 1, { command: [node, fakePrograms.steady] });
    const first = await kit.worker();
    await first.bring("WIS", 1, "RUNNING", "order-1");
    await first.bring("WIS", 1, "STOPPED");
    const record = await kit.record("WIS", 1);
    await first.drop();
    await kit.writeRecord("WIS", 1, {
      ...record,
      wish: "RUNNING",
      phase: "intent",
      launchId: "order-2",
      identity: null,
    });
    const second = await kit.worker();
    expect(await second.until("WIS", 1, "STOPPED")).toBeNull();
    await second.bring("WIS", 1, "RUNNING", "order-2");
    expect(copies("steady")).toHaveLength(1);
  });

  test("died while nobody watched, with a grandchild left behind: cleared and replaced", async () => {
    await kit.define("WIS", 1, {
      command: [node, fakePrograms.forking],
      ready: { logLine: "grandchild", timeout: "60s" },
    });
    const first = await kit.worker();
    await first.bring("WIS", 1, "RUNNING");
    const { pid } = await first.statusOf("WIS", 1);
    await eventually(async () => (await kit.record("WIS", 1)).isReady === true);
    await first.drop();
    process.kill(pid ?? Number.NaN, "SIGKILL");
    await eventually(() => !isAlive(pid));
    const second = await kit.worker();
    await second.until("WIS", 1, "RUNNING");
    expect((await second.statusOf("WIS", 1)).pid).not.toBe(pid);
    await eventually(() => copies("steady").length === 1 && copies("forking").length === 1);
  });

  test("adopted without a word from the schema, and stopped when the schema says it is no longer defined", async () => {
    await kit.define("WIS", 1, { command: [node, fakePrograms.steady] });
    const first = await kit.worker();
    await first.bring("WIS", 1, "RUNNING");
    const { pid } = await first.statusOf("WIS", 1);
    await first.drop();
    const second = await kit.worker({ readView: async () => Promise.reject(new Error("away")) });
    expect(await second.until("WIS", 1, "RUNNING")).toBe(pid);
    process.kill(pid ?? Number.NaN, "SIGKILL");
    await eventually(async () => (await second.statusOf("WIS", 1)).pid !== pid, {
      describe: "replaced without the schema",
    });
    await second.drop();
    await kit.gateway.commit([{ kind: "delete", table: "process_config", where: {}, expect: 1 }]);
    await kit.worker();
    await eventually(() => copies("steady").length === 0, { withinMs: 30_000 });
    await eventually(async () => (await kit.record("WIS", 1).catch(() => null)) === null);
  });
});

describe("guards", () => {
  test("a newer incarnation ends the older one's writing", async () => {
    await kit.define("WIS", 1, { command: [node, fakePrograms.steady] });
    const first = await kit.worker();
    await first.bring("WIS", 1, "RUNNING");
    await first.status.flush(30_000);
    const second = await kit.worker();
    await second.until("WIS", 1, "RUNNING");
    await second.status.flush(30_000);
    await first.bring("WIS", 1, "RUNNING");
    await first.bring("WIS", 1, "STOPPED").catch(() => undefined);
    await eventually(() => kit.superseded === 1);
    expect(await kit.row("WIS", 1)).toMatchObject({ incarnation: 2 });
  });

  test("an unwritable home refuses the start with the reason and starts nothing", async () => {
    await kit.define("WIS", 1, { command: inline("setInterval(() => {}, 1e6)") });
    const worker = await kit.worker();
    await worker.until("WIS", 1, "STOPPED");
    await rm(kit.home.path("run", "processes"), { recursive: true });
    await expect(worker.bring("WIS", 1, "RUNNING")).rejects.toMatchObject({
      code: "START_FAILED",
      message: expect.stringContaining("cannot be recorded"),
    });
    expect(copies("setInterval")).toEqual([]);
  });

  test("the counts say how many are up", async () => {
    await kit.define("WIS", 2, { command: [node, fakePrograms.steady] });
    const worker = await kit.worker();
    await worker.bring("WIS", 1, "RUNNING");
    await eventually(async () => {
      const counts = await worker.table.ask({ type: "GetCounts" }, { timeoutMs: 30_000 });
      expect(counts).toEqual({ total: 2, active: ["WIS 1"] });
    });
    await expect(worker.bring("WIS", 9, "RUNNING")).rejects.toMatchObject({ code: "NO_SUCH_PROCESS" });
  });
});
