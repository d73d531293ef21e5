/** PostgreSQL dies for good and its synchronous standby takes over, at the same address: nothing acknowledged is lost. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeNode, said, type TestNode } from "../harness/node.ts";
import { type PostgresPair, postgresPair } from "../harness/postgres-pair.ts";
import { atWork, WORK_TYPES } from "../harness/work-stream.ts";

let pair: PostgresPair;
let node: TestNode;
beforeEach(async () => {
  pair = await postgresPair();
});
afterEach(async () => {
  try {
    await node.dispose();
  } finally {
    await pair.stop();
  }
});

describe("a failover of PostgreSQL under a stream of alerts and commands", () => {
  it("loses nothing that was acknowledged and does nothing twice; the node goes on by itself", async () => {
    node = await makeNode({ types: WORK_TYPES, postgres: pair });
    const up = await node.up();
    expect(up.code, said(up)).toBe(0);
    const done = await atWork(node, pair, () => pair.failOver());
    process.stdout.write(`      a failover: ${done}\n`);
  });
});
