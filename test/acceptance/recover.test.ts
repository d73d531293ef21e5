/** A database that has forgotten who was master: nothing is done on its word until a person says from where to go on. */
import { update } from "@castellan/store";
import { eventually } from "@castellan/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeNode, said, type TestNode } from "../harness/node.ts";
import { LAYERS } from "../harness/types.ts";

let node: TestNode;
beforeEach(async () => {
  node = await makeNode({ types: LAYERS });
});
afterEach(() => node.dispose());

describe("a schema that shows an older epoch than was seen", () => {
  it("is not obeyed until `recover`: processes live on, orders find no master; then the node goes on, with an item", async () => {
    const up = await node.up();
    expect(up.code, said(up)).toBe(0);
    process.kill(node.part("worker") ?? Number.NaN, "SIGKILL");
    const before = await eventually(async () => {
      const report = await node.status();
      return report.epoch === 2 ? report : null;
    });
    await node.awaitRunning();
    const pids = await node.pids();

    await node.database.commitByHand(node.home, [update("node_state", { id: 1 }, { epoch: 1 })]);
    await eventually(
      async () => {
        const stop = await node.cli("stop", "--timeout", "5");
        return stop.code === 3;
      },
      { withinMs: 90_000, describe: "nobody takes orders" },
    );
    expect(await node.pids()).toEqual(pids);
    expect((await node.status()).epoch).toBe(1);

    const tooLow = await node.cli("recover", "--epoch", "1");
    expect(tooLow.code).toBe(1);
    expect(said(tooLow)).toContain("only a greater one can be set");
    const recovered = await node.cli("recover", "--epoch", String(before?.epoch ?? 0));
    expect(recovered.code, said(recovered)).toBe(0);
    const after = await node.awaitRunning();
    await eventually(async () => ((await node.status()).epoch ?? 0) > 2, {
      withinMs: 90_000,
      everyMs: 200,
      describe: "a new epoch is taken",
    });
    expect(after.state).toBe("RUNNING");
    expect(await node.pids()).toEqual(pids);
    await eventually(
      async () => (await node.items("--all")).some(({ kind, summary }) => kind === "sentinel" && /epoch/.test(summary)),
      { withinMs: 90_000, everyMs: 200, describe: "it was an item" },
    );
    const stop = await node.cli("stop");
    expect(stop.code, said(stop)).toBe(0);
  });
});
