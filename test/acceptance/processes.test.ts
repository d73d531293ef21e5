/** A process that dies is replaced; one that dies too often is suspended and somebody is told. */
import { eventually } from "@castellan/testkit";
import { afterEach, describe, expect, it } from "vitest";
import { lives, makeNode, said, type TestNode } from "../harness/node.ts";
import { CRASHING, ONE } from "../harness/types.ts";

let node: TestNode;
afterEach(() => node.dispose());

describe("a managed process", () => {
  it("is replaced when it is killed, the same instance, with the restart counted", async () => {
    node = await makeNode({ types: ONE });
    const up = await node.up();
    expect(up.code, said(up)).toBe(0);
    const first = (await node.pids()).get("ONE 1") ?? 0;
    process.kill(first, "SIGKILL");
    const second = await eventually(
      async () => {
        const pid = (await node.pids()).get("ONE 1");
        return pid !== undefined && pid !== first ? pid : null;
      },
      { withinMs: 90_000, everyMs: 50, describe: "a replacement" },
    );
    expect(lives(second)).toBe(true);
    const report = await node.awaitRunning();
    expect(report.servers[0]?.processes[0]).toMatchObject({ pid: second, status: "RUNNING", restarts: 1 });
    expect(await node.items()).toEqual([]);
  });

  it("that keeps dying is SUSPENDED with a process item; restart revives it", async () => {
    node = await makeNode({ types: CRASHING });
    await node.up();
    await eventually(
      async () => {
        const report = await node.status();
        const crash = report.servers[0]?.processes.find(({ type }) => type === "CRASH");
        if (crash?.status !== "SUSPENDED" || report.state !== "DEGRADED") throw new Error(JSON.stringify(report));
      },
      { withinMs: 90_000, everyMs: 500, describe: "CRASH 1 is SUSPENDED" },
    );
    const items = await eventually(
      async () => {
        const seen = await node.items();
        return seen.length > 0 ? seen : null;
      },
      { withinMs: 90_000, describe: "an item" },
    );
    expect(items).toHaveLength(1);
    expect(items[0]).toMatchObject({ kind: "process", subject: "CRASH 1" });
    const { master } = await node.status();
    const start = await node.cli("start", master ?? "", "CRASH", "1");
    expect(start.code).toBe(1);
    expect(said(start)).toMatch(/restart/i);
  });
});
