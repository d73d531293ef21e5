/** A server that has been taken out of its node: its sentinel refuses to run, says so where people look, and touches nothing. */
import { readFileSync } from "node:fs";
import { update } from "@castellan/store";
import { eventually } from "@castellan/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lives, makeNode, said, type TestNode } from "../harness/node.ts";
import { LAYERS } from "../harness/types.ts";

let node: TestNode;
beforeEach(async () => {
  node = await makeNode({ types: LAYERS });
});
afterEach(() => node.dispose({ down: false }));

const renamed = (to: string) =>
  node.database.commitByHand(node.home, [
    update("node_cluster", { logical_machine_id: 1 }, { physical_machine_name: to }),
  ]);

describe("a server without a row in node_cluster", () => {
  it("refuses to run: worker and watcher end and say why, its processes go on, and it runs again as a member", async () => {
    const up = await node.up();
    expect(up.code, said(up)).toBe(0);
    const pids = await node.pids();
    const { servers } = await node.status();
    const parts = [node.part("watcher") ?? 0, node.part("worker") ?? 0];

    await renamed("elsewhere");
    process.kill(node.part("worker") ?? Number.NaN, "SIGKILL");
    await eventually(() => readFileSync(node.path("run", "refused"), "utf8").includes("has no row in node_cluster"), {
      withinMs: 90_000,
      describe: "it says why",
    });
    await eventually(() => [...parts, node.part("worker") ?? 0].every((pid) => !lives(pid)), {
      withinMs: 90_000,
      describe: "worker and watcher have ended",
    });
    expect(readFileSync(node.path("logs", "sw_error"), "utf8")).toContain("has no row in node_cluster");
    for (const [label, pid] of pids) expect(lives(pid), label).toBe(true);

    const refused = await node.cli("up", "--detach");
    expect(refused.code, said(refused)).toBe(5);
    expect(said(refused)).toMatch(/taken out of node .*swadm add_server/);
    const doctor = await node.cli("doctor");
    expect(said(doctor)).toContain("it has refused to run");

    await renamed(servers[0]?.name ?? "");
    const again = await node.cli("up", "--detach");
    expect(again.code, said(again)).toBe(0);
    await node.awaitRunning();
    expect(await node.pids()).toEqual(pids);
    const down = await node.cli("down");
    expect(down.code, said(down)).toBe(0);
  });
});
