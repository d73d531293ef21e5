/**
 * kill -9 of the worker at the very call that spawns a process: between intent and spawn, and between spawn and record;
 * of a START, and of the replacement of a dead process. The process is started once, lives once, and is counted once.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { eventually, findProcesses, tempHome } from "@castellan/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lives, makeNode, said, type TestNode } from "../harness/node.ts";
import { RECORDING } from "../harness/types.ts";

const loader = new URL("../harness/kill-at-spawn.mjs", import.meta.url).href;

let node: TestNode;
let away: Awaited<ReturnType<typeof tempHome>>;
beforeEach(async () => {
  away = await tempHome();
  const env = { NODE_OPTIONS: `--import=${loader}?${encodeURIComponent(away.path("trap"))}` };
  node = await makeNode({ types: RECORDING, env });
  const up = await node.up();
  expect(up.code, said(up)).toBe(0);
});
afterEach(async () => {
  try {
    await node.dispose();
  } finally {
    await away.remove();
  }
});

const starts = (): number[] => readFileSync(node.path("starts_one_1"), "utf8").trim().split("\n").map(Number);
const alive = (): number[] =>
  findProcesses(node.home)
    .filter(({ command }) => command.includes("recording.mjs"))
    .map(({ pid }) => pid);

/** Sets the trap, does what leads into it, waits until the worker it killed has a successor, and then for what was done. */
async function sprungBy<T>(moment: string, act: () => T): Promise<Awaited<T>> {
  const worker = node.part("worker");
  writeFileSync(away.path("trap"), `${moment} ONE 1\n`);
  const done = act();
  await eventually(() => existsSync(away.path("trap.sprung")), { withinMs: 90_000, describe: "the trap springs" });
  rmSync(away.path("trap.sprung"));
  await eventually(
    () => {
      const next = node.part("worker");
      return next !== null && next !== worker && lives(next);
    },
    { withinMs: 90_000, describe: "the next worker" },
  );
  return await done;
}

/** One process, of the last start, and what is said about it is true. */
async function expectOne(lines: number, restarts: number): Promise<void> {
  await eventually(
    async () => {
      const report = await node.awaitRunning();
      const [one] = report.servers.flatMap(({ processes }) => processes);
      expect(one).toMatchObject({ status: "RUNNING", restarts, pid: starts().at(-1) });
    },
    { withinMs: 90_000, everyMs: 200, describe: `ONE 1 runs, restarts ${restarts}` },
  );
  expect(starts()).toHaveLength(lines);
  expect(alive()).toEqual(starts().slice(-1));
}

describe.each([
  ["between intent and spawn", "before"],
  ["between spawn and record", "after"],
])("a worker killed %s", (_words, moment) => {
  it("of a START: the operation is done by the next one, and the process has been started once", async () => {
    const stopped = await node.cli("stop");
    expect(stopped.code, said(stopped)).toBe(0);
    rmSync(node.path("starts_one_1"));
    const ended = await sprungBy(moment, () => node.cli("start", "--timeout", "60"));
    expect(ended.code, said(ended)).toBe(0);
    await expectOne(1, 0);
  });

  it("of the replacement of a dead process: one replacement is there, and one is counted", async () => {
    const [first = 0] = alive();
    await sprungBy(moment, () => process.kill(first, "SIGKILL"));
    await expectOne(2, 1);
  });
});
