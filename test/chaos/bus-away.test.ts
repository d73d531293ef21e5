/** An external NATS server is down for 20 s while alerts arrive: nothing stops, nothing is lost, nothing is doubled. */
import { eventually, natsServer } from "@castellan/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createAlertWriter } from "../harness/alert-writer.ts";
import { makeNode, said, type TestNode } from "../harness/node.ts";
import { LAYERS } from "../harness/types.ts";

const OUTAGE_MS = 20_000;

let nats: Awaited<ReturnType<typeof natsServer>>;
let node: TestNode;
beforeEach(async () => {
  nats = await natsServer({ jetstream: true });
});
afterEach(async () => {
  try {
    await node.dispose();
  } finally {
    await nats.stop();
  }
});

describe("the bus away", () => {
  it("frozen: a command says so and ends, the processes go on", async () => {
    node = await makeNode({ types: LAYERS, config: `nats: { url: "${nats.url}" }\n` });
    const up = await node.up();
    expect(up.code, said(up)).toBe(0);
    const before = await node.pids();
    await nats.freeze();
    try {
      // The harness kills a command, and fails, after 90 s; a client that gave up used to hold it for ever.
      const refused = await node.cli("stop", "--timeout", "3");
      expect([3, 4]).toContain(refused.code);
    } finally {
      nats.thaw();
    }
    expect(await node.pids()).toEqual(before);
    await node.awaitRunning();
  });

  it("for 20 s, with the worker killed in the middle: every process goes on, every line is counted once", async () => {
    node = await makeNode({ types: LAYERS, config: `nats: { url: "${nats.url}" }\n` });
    const up = await node.up();
    expect(up.code, said(up)).toBe(0);
    const before = await node.pids();
    const writer = createAlertWriter(node.home);
    writer.write();

    await nats.kill9();
    const until = performance.now() + OUTAGE_MS;
    let worker = node.part("worker");
    await eventually(
      () => {
        writer.write();
        if (worker !== null && until - performance.now() < OUTAGE_MS / 2) {
          process.kill(worker, "SIGKILL");
          worker = null;
        }
        return performance.now() >= until;
      },
      { withinMs: OUTAGE_MS + 30_000, everyMs: 250, describe: "the outage is over" },
    );
    const blind = await node.cli("status", "--json");
    expect(blind.code, said(blind)).toBe(0);
    expect(JSON.parse(blind.stdout)).toMatchObject({ stale: true });
    const refused = await node.cli("stop", "--timeout", "3");
    expect([3, 4]).toContain(refused.code);

    await nats.restart();
    await eventually(
      async () => {
        const complaints = writer.complaints(await node.items("--all"));
        if (complaints.length > 0) throw new Error(complaints.join("; "));
      },
      { withinMs: 90_000, everyMs: 500, describe: "every line is counted once on one item a file" },
    );
    expect(await node.pids()).toEqual(before);
    expect((await node.awaitRunning()).stale).toBe(false);
  });
});
