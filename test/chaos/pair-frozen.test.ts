/** A worker or a watcher that is there but does not move (SIGSTOP): its partner kills it and brings another. */
import { eventually } from "@castellan/testkit";
import { afterEach, describe, expect, it } from "vitest";
import { lives, makeNode, said, type TestNode } from "../harness/node.ts";
import { LAYERS } from "../harness/types.ts";

let node: TestNode;
afterEach(() => node.dispose());

describe("a part of the pair without progress", () => {
  it("is killed and replaced; no process is stopped, none is started again", async () => {
    node = await makeNode({ types: LAYERS });
    const up = await node.up();
    expect(up.code, said(up)).toBe(0);
    const before = await node.pids();
    for (const part of ["worker", "watcher"] as const) {
      const frozen = node.part(part) ?? Number.NaN;
      const begun = performance.now();
      process.kill(frozen, "SIGSTOP");
      await eventually(
        () => {
          const next = node.part(part);
          return next !== null && next !== frozen && lives(next) && !lives(frozen);
        },
        { withinMs: 90_000, describe: `the frozen ${part} is replaced` },
      );
      process.stdout.write(`      frozen ${part} replaced after ${Math.round(performance.now() - begun)} ms\n`);
    }
    const { servers } = await node.awaitRunning();
    expect(await node.pids()).toEqual(before);
    expect(servers.flatMap(({ processes }) => processes).map(({ restarts }) => restarts)).toEqual([0, 0, 0, 0]);
  });
});
