/**
 * A node on SQL Server's protocol: the unmodified driver and our own T-SQL, with H2 below (`testkit/src/tds`). Emulated: locks,
 * isolation and collations of a real SQL Server are not shown here.
 */
import { appendFileSync, writeFileSync } from "node:fs";
import {
  eventually,
  findProcesses,
  startTdsDouble,
  TDS_USER,
  type TdsDouble,
  type TempHome,
  tempHome,
} from "@castellan/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lives, makeNode, said, type TestNode } from "../harness/node.ts";
import { ONE } from "../harness/types.ts";

let server: TdsDouble;
let secrets: TempHome;
let node: TestNode;
beforeEach(async () => {
  server = await startTdsDouble();
  secrets = await tempHome();
  writeFileSync(secrets.path("password"), `${TDS_USER.password}\n`, { mode: 0o600 });
});
afterEach(async () => {
  await node.dispose();
  await server.stop();
  await secrets.remove();
});

describe("a node on SQL Server (H2 through a TDS double, emulated)", () => {
  it("starts, stops, turns an alert into one work item, outlives its pair and its connections, and goes down", async () => {
    const { url } = server.database();
    const config = `database: { url: "${url}", passwordFile: ${secrets.path("password")} }\n`;
    node = await makeNode({ types: ONE, config });
    const up = await node.up();
    expect(up.code, said(up)).toBe(0);
    const report = await node.awaitRunning(60_000);
    expect(report).toMatchObject({ state: "RUNNING", epoch: 1, stale: false });

    const stopped = await node.cli("stop", report.master ?? "", "ONE", "1");
    expect(stopped.code, said(stopped)).toBe(0);
    const started = await node.cli("start");
    expect(started.code, said(started)).toBe(0);
    const pids = await node.pids();
    expect([...pids.keys()]).toEqual(["ONE 1"]);

    // Every connection breaks just as there is something to be said.
    appendFileSync(node.path("logs/sw_error"), "one\n");
    server.disconnect();
    const itemOf = async (occurrences: number) =>
      await eventually(
        async () => {
          const items = await node.items();
          expect(items).toMatchObject([{ kind: "error-file", occurrences, queue: "swadmin" }]);
          return items[0] ?? null;
        },
        { withinMs: 60_000, everyMs: 200, describe: "one work item" },
      );
    await itemOf(1);

    node.killPair();
    await eventually(() =>
      findProcesses(node.home).every(({ command }) => !/castellan (watcher|worker)/.test(command)),
    );
    appendFileSync(node.path("logs/sw_error"), "two\n");
    const again = await node.up();
    expect(again.code, said(again)).toBe(0);
    expect(await node.pids()).toEqual(pids);
    const item = await itemOf(2);
    const released = await node.cli("workitem", "release", String(item?.caseNumber));
    expect(released.code, said(released)).toBe(0);
    expect(await node.items()).toEqual([]);

    const down = await node.cli("down");
    expect(down.code, said(down)).toBe(0);
    for (const pid of pids.values()) expect(lives(pid)).toBe(false);
    expect(await node.status()).toMatchObject({ state: "STOPPED", epoch: 2 });
    expect(findProcesses(node.home)).toEqual([]);
    const [rows] = await server.sql(url, ['SELECT "epoch", "state" FROM "node_state"']);
    expect(rows?.rows).toEqual([[2, "STOPPED"]]);
  });
});
