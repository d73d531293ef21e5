/** A single server of release 0.1.0 whose schema is on a database server becomes a cluster: it is upgraded, then another joins. */
import { join } from "node:path";
import { postgresAdmin } from "@castellan/testkit";
import { afterEach, describe, expect, inject, it } from "vitest";
import { said } from "../harness/node.ts";
import { makeOldNode, type OldNode } from "../harness/old-node.ts";
import { missing } from "../harness/releases.ts";

const why = missing("0.1.0");
const admin = postgresAdmin(inject("postgres") ?? { port: 0, socketDir: "" });
const cleanUp: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

const TYPES = `
types:
  ONE: { command: [sleep, "100000"] }
servers:
  hades: { ONE: 2 }
`;

describe.skipIf(why !== null)(
  `a single server of release 0.1.0 on PostgreSQL${why === null ? "" : ` (not run: ${why})`}`,
  () => {
    it("is upgraded, and then joined by another server; what it runs is not restarted", async () => {
      const database = await admin.database();
      cleanUp.push(() => database.drop());
      const node: OldNode = await makeOldNode({ types: TYPES, servers: ["hades"], database });
      cleanUp.push(() => node.dispose());
      const before = await node.pids();
      const { url } = database;
      const zeus = node.home("zeus");
      const joining = [
        "join",
        zeus,
        "--server",
        "zeus",
        "--database",
        url,
        "--password-file",
        join(node.dir, "..", "db.password"),
      ];

      const early = await node.now(...joining, "--bus", node.busUrl ?? "");
      expect(early.code).toBe(1);
      expect(said(early)).toContain("run `castellan upgrade` on the master's server");

      expect(said(await node.now("upgrade", "--home", node.home("hades")))).toMatch(/pg_dump .*postgres:/);
      await node.must("upgrade", "--yes", "--home", node.home("hades"));
      await node.must(...joining, "--bus", node.busUrl ?? "");
      cleanUp.push(async () => void (await node.must("down", "--home", zeus)));
      await node.must("up", "--detach", "--bare", "--home", zeus);
      await node.awaitRunning();
      expect(await node.programs()).toEqual({ hades: "0.2.0", zeus: "0.2.0" });
      expect(await node.pids()).toEqual(before);
    });
  },
);
