/**
 * PostgreSQL is killed -9 again and again, at random moments, under a stream of alerts and commands: what was acknowledged is
 * there, once.
 *
 * Five kills in CI; CASTELLAN_LONG=1 makes it fifty. The seed is printed; `CASTELLAN_TEST_SEED` brings a run back.
 */
import { createSeededRng } from "@castellan/kernel";
import { eventually, testRun, testSeed } from "@castellan/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeNode, said, type TestNode } from "../harness/node.ts";
import { type OwnPostgres, ownPostgres } from "../harness/remote-postgres.ts";
import { atWork, WORK_TYPES } from "../harness/work-stream.ts";

const KILLS = testRun().isLong ? 50 : 5;
/** A kill comes at most so long after the commands go through again, and it stays away at most so long, milliseconds. */
const AT_MS = 1500;
const AWAY_MS = 2000;

let own: OwnPostgres;
let node: TestNode;
beforeEach(async () => {
  own = await ownPostgres();
});
afterEach(async () => {
  try {
    await node.dispose();
  } finally {
    await own.stop();
  }
});

async function pause(ms: number): Promise<void> {
  const overMs = performance.now() + ms;
  await eventually(() => performance.now() >= overMs, { withinMs: ms + 30_000, everyMs: 5, describe: "the moment" });
}

describe("PostgreSQL under a stream of alerts and commands", () => {
  it(
    `killed -9 ${KILLS} times: every acknowledged fact is there, once`,
    async () => {
      const rng = createSeededRng(testSeed());
      const { server } = own;
      node = await makeNode({ types: WORK_TYPES, postgres: server });
      const up = await node.up();
      expect(up.code, said(up)).toBe(0);
      const done = await atWork(node, server, async (goOn) => {
        for (let kill = 0; kill < KILLS; kill += 1) {
          if (kill > 0) await goOn();
          await pause(rng.next() * AT_MS);
          await server.kill9();
          await pause(rng.next() * AWAY_MS);
          await server.restart();
        }
      });
      process.stdout.write(`      ${KILLS} kills: ${done}\n`);
    },
    KILLS * 120_000,
  );
});
