/**
 * kill -9 of the worker, of the watcher, and of both, while alerts arrive: no managed process stops, none is doubled, each
 * cause has exactly one item, no line is lost or counted twice.
 */
import { eventually, findProcesses, killTogether } from "@castellan/testkit";
import { afterEach, describe, expect, it } from "vitest";
import { createAlertWriter } from "../harness/alert-writer.ts";
import { isOnPostgres } from "../harness/database.ts";
import { lives, makeNode, said, type TestNode } from "../harness/node.ts";
import { LAYERS } from "../harness/types.ts";

/** What differs between databases is how a commit ends, not how often a worker dies. */
const ROUNDS = isOnPostgres() ? 4 : 10;

let node: TestNode;
afterEach(() => node.dispose());

/** Both parts live, and none of them is one of `old`. */
const pairIsBack = (old: readonly (number | null)[]) => {
  const pair = [node.part("watcher"), node.part("worker")];
  return pair.every((pid) => pid !== null && lives(pid)) && !pair.some((pid) => old.includes(pid));
};

describe("the pair killed again and again", () => {
  it.each([
    ["the worker", ["worker"]],
    ["the watcher", ["watcher"]],
    ["both", ["watcher", "worker"]],
  ] as const)(`${ROUNDS} times %s`, async (_what, parts) => {
    node = await makeNode({ types: LAYERS });
    const up = await node.up();
    expect(up.code, said(up)).toBe(0);
    const before = await node.pids();
    expect(before.size).toBe(4);
    const writer = createAlertWriter(node.home);
    const took: number[] = [];

    for (let round = 0; round < ROUNDS; round += 1) {
      writer.write();
      const old = parts.map((part) => node.part(part));
      const begun = performance.now();
      killTogether(old.flatMap((pid) => pid ?? []));
      writer.write();
      // With both gone nobody is left to notice: an operator, or `castellan up` in the foreground, does.
      if (parts.length === 2) expect((await node.up()).code).toBe(0);
      await eventually(() => pairIsBack(old), { withinMs: 90_000, describe: "the pair is back" });
      took.push(performance.now() - begun);
      writer.write();
    }
    process.stdout.write(`      pair back after ${took.map((ms) => Math.round(ms)).join(", ")} ms\n`);

    await eventually(
      async () => {
        const complaints = writer.complaints(await node.items("--all"));
        if (complaints.length > 0) throw new Error(complaints.join("; "));
      },
      { withinMs: 90_000, everyMs: 300, describe: "every line is counted once on one item a file" },
    );
    expect(await node.pids()).toEqual(before);
    const managed = findProcesses(node.home).filter(({ command }) => command.includes("steady.mjs"));
    expect(managed.map(({ pid }) => pid).toSorted((a, b) => a - b)).toEqual(
      [...before.values()].toSorted((a, b) => a - b),
    );
    const restarts = (await node.status()).servers.flatMap(({ processes }) => processes.map((one) => one.restarts));
    expect(restarts).toEqual([0, 0, 0, 0]);
  });
});
