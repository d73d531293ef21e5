/**
 * kill -9 of the worker as soon as a random one of the processes of a start, or of a stop, is seen to have come or gone:
 * the operation ends as asked, and never do two processes of one instance live. The exact moments around a spawn are in
 * `killed-between.test.ts`.
 */
import { eventually, findProcesses, startCli } from "@castellan/testkit";
import { afterEach, describe, expect, it } from "vitest";
import { lives, makeNode, said, type TestNode } from "../harness/node.ts";
import { LAYERS } from "../harness/types.ts";

const ROUNDS = 6;
const SEED = Number(process.env["CHAOS_SEED"] ?? Math.floor(Math.random() * 1e9));

let node: TestNode;
afterEach(() => node.dispose());

/** A small repeatable generator. */
let state = SEED >>> 0;
const random = (below: number): number => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
};

const managed = () => findProcesses(node.home).filter(({ command }) => command.includes("steady.mjs"));

describe(`a worker killed while it starts and stops processes (CHAOS_SEED=${SEED})`, () => {
  it("never doubles a process, and the operation ends", async () => {
    node = await makeNode({ types: LAYERS });
    const up = await node.up();
    expect(up.code, said(up)).toBe(0);
    for (let round = 0; round < ROUNDS; round += 1) {
      const verb = round % 2 === 0 ? "stop" : "start";
      const running = startCli([verb, "--timeout", "60"], { home: node.home });
      const nth = 1 + random(4);
      await eventually(() => (verb === "stop" ? 4 - managed().length : managed().length) >= nth, {
        withinMs: 90_000,
        everyMs: 1,
        describe: `process ${nth} of 4 of the ${verb}`,
      });
      const worker = node.part("worker");
      if (worker !== null && lives(worker)) process.kill(worker, "SIGKILL");
      const ended = await running.ended;
      const wanted = verb === "stop" ? 0 : 4;
      await eventually(() => managed().length === wanted, {
        withinMs: 90_000,
        describe: `${wanted} processes after ${verb} (${said(ended)}): ${JSON.stringify(managed())}`,
      });
    }
    await node.awaitRunning();
    const pids = await node.pids();
    expect([...pids.values()].toSorted((a, b) => a - b)).toEqual(
      managed()
        .map(({ pid }) => pid)
        .toSorted((a, b) => a - b),
    );
  });
});
