/** No room is left for PostgreSQL's write-ahead log: it gives up, and when there is room again and it runs, all goes on. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { eventually, type SmallDisk, smallDisk, whyNoSmallDisk } from "@castellan/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeNode, said, type TestNode } from "../harness/node.ts";
import { type OwnPostgres, ownPostgres } from "../harness/remote-postgres.ts";
import { atWork, WORK_TYPES } from "../harness/work-stream.ts";

const why = whyNoSmallDisk();

let disk: SmallDisk;
let own: OwnPostgres;
let node: TestNode;

describe.skipIf(why !== undefined)(
  `a full disk under PostgreSQL${why === undefined ? "" : ` (skipped: ${why})`}`,
  () => {
    beforeEach(async () => {
      disk = await smallDisk(64);
      const logDir = join(disk.dir, "log");
      await mkdir(logDir);
      own = await ownPostgres({ logDir });
    });
    afterEach(async () => {
      try {
        await node.dispose();
      } finally {
        await own.stop();
        await disk.remove();
      }
    });

    it("loses nothing that was acknowledged and does nothing twice, and no process is touched", async () => {
      const { server } = own;
      node = await makeNode({ types: WORK_TYPES, postgres: server });
      const up = await node.up();
      expect(up.code, said(up)).toBe(0);
      const running = node;
      const done = await atWork(running, server, async () => {
        disk.fill();
        // Each of these begins a new file of the log, until there is no room for one: the server panics.
        await eventually(
          () =>
            server.sql("SELECT pg_switch_wal()").then(
              () => false,
              () => true,
            ),
          { withinMs: 60_000, everyMs: 50, describe: "PostgreSQL has no room for its log" },
        );
        expect((await running.cli("workitem", "list")).code).toBe(3);
        disk.empty();
        await server.restart();
      });
      process.stdout.write(`      a full disk: ${done}\n`);
    });
  },
);
