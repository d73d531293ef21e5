/** What is pausable can stand still and go on: all of it, a server's, a type's, one instance. */
import { readFileSync } from "node:fs";
import { OperationReport } from "@castellan/protocol";
import { eventually, fakePrograms } from "@castellan/testkit";
import { afterEach, describe, expect, it } from "vitest";
import { lives, makeNode, said, type TestNode } from "../harness/node.ts";

const OWN_WAY = `
  process.on("SIGUSR1", () => console.log("standing still"));
  process.on("SIGUSR2", () => console.log("going on"));
  setInterval(() => {}, 60000);
  console.log("started");`;
const steady = JSON.stringify([process.execPath, fakePrograms.steady]);

const TYPES = `
types:
  BASE: { command: ${steady} }
  BG: { command: ${steady}, dependsOn: [BASE], pausable: true }
  OWN:
    command: ${JSON.stringify([process.execPath, "-e", OWN_WAY])}
    pausable: true
    pause: { signal: SIGUSR1, resume: SIGUSR2 }
    ready: { logLine: "^started" }
servers:
  master: { BASE: 1, BG: 2, OWN: 1 }
`;

let node: TestNode;
afterEach(() => node.dispose());

/** The kernel's letter for a process: T is stopped. */
const letterOf = (pid: number | undefined): string =>
  /^\d+ \(.*\) (\w)/s.exec(readFileSync(`/proc/${pid ?? 0}/stat`, "utf8"))?.[1] ?? "";

async function statuses(): Promise<Record<string, string>> {
  const { servers } = await node.status();
  return Object.fromEntries(
    servers.flatMap(({ processes }) => processes.map((p) => [`${p.type} ${p.instance}`, p.status])),
  );
}

/** Statuses are written a moment after the operation has ended. */
const until = (wanted: Record<string, string>) =>
  eventually(async () => expect(await statuses()).toMatchObject(wanted), { withinMs: 90_000, everyMs: 100 });

describe("pause and resume", () => {
  it("of the node: what can be paused stands still, the rest goes on; a pause outlives the worker; stop ends what is paused", async () => {
    node = await makeNode({ types: TYPES });
    const up = await node.up();
    expect(up.code, said(up)).toBe(0);
    const pids = await node.pids();

    const pause = await node.cli("pause");
    expect(pause.code, said(pause)).toBe(0);
    expect(pause.stdout).toMatch(/BG 1: done \(paused\)/);
    await until({ "BASE 1": "RUNNING", "BG 1": "PAUSED", "BG 2": "PAUSED", "OWN 1": "PAUSED" });
    expect(["BG 1", "BG 2", "BASE 1"].map((label) => letterOf(pids.get(label)) === "T")).toEqual([true, true, false]);
    expect((await node.status()).state).toBe("RUNNING");
    const output = () => readFileSync(node.path("logs/OWN_1.log"), "utf8");
    await eventually(() => output().includes("standing still"), { describe: "its own signal has come" });

    const worker = node.part("worker") ?? Number.NaN;
    process.kill(worker, "SIGKILL");
    await eventually(() => ![null, worker].includes(node.part("worker")), {
      withinMs: 90_000,
      describe: "a new worker",
    });
    const again = await node.cli("pause", "--json");
    expect(again.code, said(again)).toBe(0);
    const report = OperationReport.parse(JSON.parse(again.stdout));
    expect(report.steps.map(({ state, result }) => `${state} ${result}`)).toEqual(Array(3).fill("done already paused"));
    await until({ "BG 1": "PAUSED", "OWN 1": "PAUSED" });
    expect(letterOf(pids.get("BG 1"))).toBe("T");
    expect(await node.pids()).toEqual(pids);

    const { master } = await node.status();
    const stop = await node.cli("stop", master ?? "", "BG", "1");
    expect(stop.code, said(stop)).toBe(0);
    expect(lives(pids.get("BG 1") ?? 0)).toBe(false);
    const resume = await node.cli("resume");
    expect(resume.code, said(resume)).toBe(0);
    await until({ "BG 1": "STOPPED", "BG 2": "RUNNING", "OWN 1": "RUNNING" });
    expect(letterOf(pids.get("BG 2"))).not.toBe("T");
    await eventually(() => output().includes("going on"), { describe: "its own signal to go on has come" });
  });

  it("of what cannot be paused, or does not run, is refused by name", async () => {
    node = await makeNode({ types: TYPES });
    await node.up();
    const { master } = await node.status();
    const refused = await node.cli("pause", master ?? "", "BASE");
    expect(refused.code).toBe(1);
    expect(said(refused)).toMatch(/BASE cannot be paused; what can: BG, OWN/);
    const slip = await node.cli("pause", master ?? "", "BGG");
    expect(said(slip)).toMatch(/did you mean BG\?/);
    await node.cli("stop", master ?? "", "BG", "2");
    const idle = await node.cli("pause", master ?? "", "BG", "2");
    expect(idle.code).toBe(1);
    expect(said(idle)).toMatch(/it is STOPPED: only what runs can be paused/);
  });
});
