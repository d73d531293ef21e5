/** The real guard with real processes: what it starts, when it kills, and what dies with it. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createSystemClock, silentLogger } from "@castellan/kernel";
import type { GuardPort } from "@castellan/sentinel";
import { createProcReader, type ProcessIdentity } from "@castellan/sentinel/pair";
import { eventually, findProcesses, killAll, type TempHome, tempHome } from "@castellan/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createGuard } from "../../src/guard/guard.ts";
import { homePaths } from "../../src/home-paths.ts";

const clock = createSystemClock();
/** The guard reads the time of the kernel in hundredths of a second. */
const CLOCK_TICK_MS = 20;
const proc = createProcReader();
let home: TempHome;
let guard: GuardPort;
let launches = 0;

const makeGuard = (): GuardPort =>
  createGuard({ paths: homePaths(home.dir), clock, proc, log: silentLogger, environment: process.env });
const upTo = (ms: number): void => {
  const endMs = clock.bootMs() + ms;
  guard.endAt({ endMs, killMs: endMs, generation: 1 });
};
const start = async (script: string, env: Record<string, string> = {}): Promise<ProcessIdentity> => {
  launches += 1;
  return await guard.launch({
    argv: ["sh", "-c", script, "it's", "$(touch hacked)"],
    cwd: home.dir,
    env: {
      PATH: process.env["PATH"] ?? "",
      CASTELLAN_HOME: home.dir,
      CASTELLAN_TYPE: "WQS",
      CASTELLAN_LAUNCH: `launch-${launches}`,
      ...env,
    },
    output: out(),
    launchId: `launch-${launches}`,
  });
};
const out = (): string => join(home.dir, "logs", "out.log");
const output = (): string => readFileSync(out(), "utf8");
const guardPid = (): number => Number(readFileSync(join(home.dir, "run", "guard", "up"), "utf8").split(" ")[0]);

const children = (): string[] =>
  readFileSync(`/proc/${guardPid()}/task/${guardPid()}/children`, "utf8").trim().split(" ");
const spawned = (CASTELLAN_TYPE: string, CASTELLAN_HOME: string): ChildProcess =>
  spawn("sleep", ["60"], { env: { CASTELLAN_TYPE, CASTELLAN_HOME, CASTELLAN_LAUNCH: "x" }, stdio: "ignore" });

beforeEach(async () => {
  home = await tempHome();
  for (const name of ["run", "logs"]) mkdirSync(home.path(name), { recursive: true });
  guard = makeGuard();
  upTo(60_000);
  guard.keep(["WQS"]);
  await eventually(() => expect(guard.isUp()).toBe(true));
});

afterEach(async () => {
  guard.end();
  await killAll(home.dir);
  await home.remove();
});

describe("the guard", () => {
  it("starts a process exactly as it is told, as the leader of its own session, and tells how it ended", async () => {
    const odd = { "odd.name": "a b", QUOTE: 'it\'s "$HOME" `date` \\ \n;', IFS: "x" };
    const started = await start('printf "%s|" "$0" "$@" "$QUOTE"; exit 7', odd);
    expect(await guard.howEnded(started)).toBe("exit code 7");
    expect(output()).toBe(`it's|$(touch hacked)|${odd.QUOTE}|`);
    const shown = await guard.launch({
      argv: ["env", "-0"],
      cwd: "/",
      env: { ...odd },
      output: out(),
      launchId: "env",
    });
    expect(await guard.howEnded(shown)).toBe("exit code 0");
    const variables = Object.entries(odd).map(([name, value]) => `${name}=${value}`);
    expect(output().split("|").at(-1)?.split("\0").slice(0, -1).sort()).toEqual(variables.sort());
    const sleeper = await start("exec sleep 60");
    expect(proc.stat(sleeper.pid)).toMatchObject({
      group: sleeper.pid,
      session: sleeper.pid,
      startTime: sleeper.startTime,
    });
    process.kill(sleeper.pid, "SIGTERM");
    expect(await guard.howEnded(sleeper)).toBe("signal SIGTERM");
    expect(readFileSync(`/proc/${guardPid()}/cmdline`, "utf8").split("\0").slice(0, 4)).toEqual([
      "castellan",
      "guard",
      "--home",
      home.dir,
    ]);
  });

  it("kills group and strays when the end has come, not before, whoever else stands still", async () => {
    const leader = await start("sleep 60 & setsid sleep 60 & wait");
    await eventually(() => expect(proc.findLaunched(leader.launchId)).toHaveLength(3));
    const endMs = clock.bootMs() + 700;
    guard.endAt({ endMs, killMs: endMs, generation: 1 });
    // The worker does nothing from here on: as if it were frozen or dead.
    const goneMs = await eventually(() => (proc.isAlive(leader) ? null : clock.bootMs()), { everyMs: 5 });
    expect(goneMs).toBeGreaterThan(endMs - CLOCK_TICK_MS);
    await eventually(() => expect(proc.findLaunched(leader.launchId)).toEqual([]));
    await eventually(() => expect(guard.hasSwept()).toBe(true));
    await expect(start("exec sleep 60")).rejects.toThrow("the grant of this server has ended");
    upTo(60_000);
    expect(proc.isAlive(await start("exec sleep 60"))).toBe(true);
    expect(guard.hasSwept()).toBe(false);
  });

  it("also kills what was started without it, by type and home, and nothing else", async () => {
    const [ours, other, elsewhere] = [spawned("WQS", home.dir), spawned("BG", home.dir), spawned("WQS", "/elsewhere")];
    upTo(100);
    await eventually(() => expect(guard.hasSwept()).toBe(true));
    await eventually(() => expect(ours.signalCode).toBe("SIGKILL"));
    expect([other.kill("SIGKILL"), elsewhere.kill("SIGKILL")]).toEqual([true, true]);
  });

  it("takes what it has started with it when it dies, and the next worker starts another", async () => {
    const started = await start("exec sleep 60");
    process.kill(guardPid(), "SIGKILL");
    await eventually(() => expect(proc.isAlive(started)).toBe(false));
    expect(guard.isUp()).toBe(false);
    expect(await guard.howEnded(started)).toContain("the guard of this server has ended");
    guard = makeGuard();
    expect(guard.remembered()).toMatchObject({ generation: 1 });
    guard.keep(["WQS"]);
    await eventually(() => expect(guard.isUp()).toBe(true));
    expect(proc.isAlive(await start("exec sleep 60"))).toBe(true);
  });

  it("does next to nothing while nothing happens, however often it was woken", async () => {
    for (let time = 0; time < 10; time += 1) await guard.howEnded(await start("exit 0"));
    await eventually(() => expect(children()).toHaveLength(1));
  });

  it("that was ended leaves nothing behind, not even what it sleeps by", async () => {
    await eventually(
      () => {
        const [sleeper = ""] = children();
        if (sleeper === "") return false;
        process.kill(Number(sleeper), "SIGSTOP"); // does not end by itself
        return children().includes(sleeper);
      },
      { describe: "the guard sleeps" },
    );
    guard.end();
    await eventually(() => expect(findProcesses(home.dir)).toEqual([]));
  });

  it("that was only just started is ended as well, though it may not have said that it is there", async () => {
    guard.end();
    await eventually(() => expect(findProcesses(home.dir)).toEqual([]));
    guard = makeGuard();
    guard.keep(["WQS"]);
    guard.end();
    await eventually(() => expect(findProcesses(home.dir)).toEqual([]));
  });

  it("that was ended is not followed by another under the same worker", async () => {
    guard = makeGuard();
    const up = home.path("run/guard/up");
    guard.end();
    await eventually(() => expect(guard.isUp()).toBe(false));
    guard.keep(["WQS"]);
    expect(existsSync(up)).toBe(true); // a new one begins with a directory that is empty
    await expect(start("exec sleep 60")).rejects.toThrow("has just ended");
  });

  it("gives the next worker neither what the last one ordered nor the answer to it", async () => {
    process.kill(guardPid(), "SIGSTOP");
    writeFileSync(home.path("run/guard/launch-1"), `run() { touch ${home.path("stray")}; }\n`);
    writeFileSync(home.path("run/guard/launched-1"), "1 1\n");
    guard = makeGuard();
    process.kill(guardPid(), "SIGCONT");
    const started = await start("exec sleep 60");
    // Nothing is read of a process that is just becoming another program.
    await eventually(() => expect(proc.launchIdOf(started.pid)).toBe(started.launchId));
    expect(existsSync(home.path("stray"))).toBe(false);
  });

  it("keeps an earlier end while the disk takes no later one; that an earlier one is not taken is said", async () => {
    const before = guard.remembered()?.endMs ?? 0;
    mkdirSync(home.path("run/guard/.due"));
    upTo(90_000);
    expect(guard.remembered()?.endMs).toBe(before);
    expect(() => upTo(10_000)).toThrow();
    rmSync(home.path("run/guard/.due"), { recursive: true });
    upTo(90_000);
    expect(guard.remembered()?.endMs).toBeGreaterThan(before);
  });

  it("has killed nothing where there was none", async () => {
    const elsewhere = { ...homePaths(home.dir), run: home.path("elsewhere") };
    const none = createGuard({ paths: elsewhere, clock, proc, log: silentLogger, environment: process.env });
    const { pid } = process;
    const itself = { pid, startTime: proc.startTimeOf(pid) ?? 0, bootId: proc.bootId, launchId: "x" };
    await expect(none.howEnded(itself)).rejects.toThrow("without a guard");
  });

  it("goes on under the next worker", async () => {
    const started = await start("exec sleep 60");
    const pid = guardPid();
    guard = makeGuard();
    guard.keep(["WQS"]);
    expect(guard.isUp()).toBe(true);
    expect(guardPid()).toBe(pid);
    expect(proc.isAlive(started)).toBe(true);
  });
});
