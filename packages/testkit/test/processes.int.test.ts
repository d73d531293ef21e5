import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { eventually, fakePrograms, findProcesses, killAll, type ProcessTracker, trackProcesses } from "../src/index.ts";

let tracker: ProcessTracker;
beforeEach(() => {
  tracker = trackProcesses();
});
afterEach(async () => {
  await tracker.killAll();
  await tracker.assertNothingLeft();
});

/** Starts a program with the tracker's marker; `said` waits for a text in its output. */
function start(program: string, ...args: string[]) {
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...tracker.env },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const said = (pattern: RegExp): Promise<RegExpExecArray> =>
    eventually(() => pattern.exec(output), { describe: `${program} says ${String(pattern)}` });
  return { child, said, output: () => output };
}

async function exitCode(child: ChildProcess): Promise<number | string | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  return child.exitCode ?? child.signalCode;
}

describe("tracking", () => {
  it("finds a process by its environment, and says so when it is left", async () => {
    const { child, said } = start(fakePrograms.steady);
    await said(/started/);
    expect(tracker.find()).toMatchObject([{ pid: child.pid, ppid: process.pid }]);
    await expect(tracker.assertNothingLeft(50)).rejects.toThrow(new RegExp(`${child.pid} .*steady\\.mjs`));
  });

  it("finds one by its arguments, and not this process or its ancestors", async () => {
    const argument = `argument-${tracker.marker}`;
    const { child, said } = start(fakePrograms.steady, argument);
    await said(/started/);
    expect(findProcesses(argument).map(({ pid }) => pid)).toEqual([child.pid]);
    const everywhere = findProcesses(`PATH=${process.env["PATH"]}`).map(({ pid }) => pid);
    expect(everywhere).toContain(child.pid);
    expect(everywhere).not.toContain(process.pid);
    expect(everywhere).not.toContain(process.ppid);
  });

  it("kills stubborn, stopped and grandchild processes", async () => {
    const stubborn = start(fakePrograms.stubborn);
    await stubborn.said(/started/);
    stubborn.child.kill("SIGSTOP");
    const forking = start(fakePrograms.forking);
    const [, grandchild] = await forking.said(/grandchild (\d+)\n/);
    const killed = await tracker.killAll();
    expect(killed.map(({ pid }) => pid)).toContain(Number(grandchild));
    expect(killed).toHaveLength(3);
    expect(tracker.find()).toEqual([]);
  });

  it("refuses a marker that strangers would have", async () => {
    expect(() => findProcesses("/tmp")).toThrow(/strangers/);
    await expect(killAll("")).rejects.toThrow(/strangers/);
  });
});

describe("fake programs", () => {
  it("steady ends with 0 on SIGTERM", async () => {
    const { child, said, output } = start(fakePrograms.steady);
    await said(/started/);
    child.kill();
    expect(await exitCode(child)).toBe(0);
    expect(output()).toContain("stopping");
  });

  it("stubborn lives through SIGTERM", async () => {
    const { child, said } = start(fakePrograms.stubborn);
    await said(/started/);
    child.kill();
    await said(/ignoring SIGTERM/);
    child.kill("SIGKILL");
    expect(await exitCode(child)).toBe("SIGKILL");
  });

  it("crashing ends by itself with its code", async () => {
    expect(await exitCode(start(fakePrograms.crashing, "20", "7").child)).toBe(7);
    expect(await exitCode(start(fakePrograms.crashing).child)).toBe(1);
  });

  it("forking leaves its grandchild behind on SIGTERM", async () => {
    const { child, said } = start(fakePrograms.forking);
    const [, grandchild] = await said(/grandchild (\d+)\n/);
    child.kill();
    expect(await exitCode(child)).toBe(0);
    expect(tracker.find().map(({ pid }) => pid)).toEqual([Number(grandchild)]);
  });

  it("http answers on its port", async () => {
    const { child, said } = start(fakePrograms.http, "0");
    const [, port] = await said(/listening (\d+)\n/);
    const answer = await fetch(`http://127.0.0.1:${port}/health`);
    expect(await answer.json()).toEqual({ pid: child.pid, path: "/health" });
  });

  it("slow becomes ready later", async () => {
    const slowest = start(fakePrograms.slow, "3600000");
    await slowest.said(/starting/);
    expect(slowest.output()).not.toContain("ready");
    const { said } = start(fakePrograms.slow, "150");
    await said(/starting\nready/);
  });
});
