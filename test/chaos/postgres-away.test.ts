/**
 * The database server dies, stands still, or is started again under a running node: the processes go on and are kept
 * meanwhile, nothing is lost or counted twice, and afterwards the schema says what has happened.
 */
import { readFileSync } from "node:fs";
import { eventually, type Postgres, postgres } from "@castellan/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { createAlertWriter } from "../harness/alert-writer.ts";
import { lives, makeNode, said, type TestNode } from "../harness/node.ts";
import { LAYERS } from "../harness/types.ts";

let server: Postgres;
let node: TestNode;
beforeEach(async () => {
  server = await postgres();
});
afterEach(async () => {
  try {
    await node.dispose();
  } finally {
    await server.stop();
  }
});

/** What a keeper has written down of its process. */
const TopRecord = z.object({ identity: z.object({ pid: z.int() }).nullable() });

interface Outage {
  readonly ms: number;
  begin(): Promise<void>;
  end(): void | Promise<void>;
}

const OUTAGES: readonly (readonly [string, Outage])[] = [
  ["killed -9, away for 6 s", { ms: 6000, begin: () => server.kill9(), end: () => server.restart() }],
  ["standing still for 10 s", { ms: 10_000, begin: () => server.freeze(), end: () => server.thaw() }],
];

/** `started`, `died`, `started`: what the log of process events says about an instance. */
const history = async (database: string, type: string): Promise<string[]> => {
  const codes = await server.sql(
    `SELECT process_status FROM process_event_log WHERE logical_process_name = '${type}' ORDER BY "timestamp", id`,
    database,
  );
  return codes.split("\n");
};

/** What was not written down while the database was away comes by itself, whatever else is there again. */
const replacementIsRecorded = (database: string) =>
  eventually(async () => (await history(database, "TOP")).length >= 3, {
    withinMs: 90_000,
    everyMs: 200,
    describe: "the schema has the death of TOP 1 and its replacement",
  });

describe("the database", () => {
  it.each(OUTAGES)("%s: no process is touched, none is lost, and the history is complete", async (_how, outage) => {
    node = await makeNode({ types: LAYERS, postgres: server });
    const up = await node.up();
    expect(up.code, said(up)).toBe(0);
    const before = await node.pids();
    const pair = [node.part("watcher"), node.part("worker")];
    const top = before.get("TOP 1") ?? 0;
    const database = await server.sql("SELECT datname FROM pg_database WHERE datname LIKE 'node_%'");
    const writer = createAlertWriter(node.home);
    writer.write();

    await outage.begin();
    const until = performance.now() + outage.ms;
    // A process that dies now is replaced now: keeping needs no database.
    process.kill(top, "SIGKILL");
    await eventually(
      () => {
        writer.write();
        return performance.now() >= until;
      },
      { withinMs: outage.ms + 30_000, everyMs: 250, describe: "the outage is over" },
    );
    expect(lives(top)).toBe(false);
    await outage.end();

    await eventually(
      async () => {
        const complaints = writer.complaints(await node.items("--all"));
        if (complaints.length > 0) throw new Error(complaints.join("; "));
      },
      { withinMs: 60_000, everyMs: 500, describe: "every line is counted once on one item a file" },
    );
    await replacementIsRecorded(database);
    const report = await node.awaitRunning();
    const after = await node.pids();
    for (const [label, pid] of before) if (label !== "TOP 1") expect(after.get(label), label).toBe(pid);
    expect(lives(after.get("TOP 1") ?? 0)).toBe(true);
    expect(after.get("TOP 1")).not.toBe(top);
    const restarts = report.servers.flatMap(({ processes }) => processes.map((one) => [one.type, one.restarts]));
    expect(restarts).toEqual([
      ["BASE", 0],
      ["MID", 0],
      ["MID", 0],
      ["TOP", 1],
    ]);
    expect(await history(database, "TOP")).toEqual(["3000", "3003", "3000"]);
    expect(await history(database, "BASE")).toEqual(["3000"]);
    expect([node.part("watcher"), node.part("worker")]).toEqual(pair);
  });

  it("is away, and the worker is killed meanwhile: the next one keeps what runs, by its ledger, and tells it all afterwards", async () => {
    node = await makeNode({ types: LAYERS, postgres: server });
    const up = await node.up();
    expect(up.code, said(up)).toBe(0);
    const before = await node.pids();
    const database = await server.sql("SELECT datname FROM pg_database WHERE datname LIKE 'node_%'");
    const writer = createAlertWriter(node.home);
    const worker = node.part("worker") ?? Number.NaN;
    await server.kill9();
    process.kill(worker, "SIGKILL");
    await eventually(() => node.part("worker") !== null && node.part("worker") !== worker, {
      withinMs: 90_000,
      describe: "there is another worker",
    });
    writer.write();
    process.kill(before.get("TOP 1") ?? Number.NaN, "SIGKILL");
    const record = () => TopRecord.parse(JSON.parse(readFileSync(node.path("run", "processes", "top_1.json"), "utf8")));
    await eventually(
      () => {
        const { identity } = record();
        return identity !== null && identity.pid !== before.get("TOP 1") && lives(identity.pid);
      },
      { withinMs: 90_000, describe: "what has died is replaced" },
    );
    await server.restart();
    await eventually(
      async () => {
        const complaints = writer.complaints(await node.items("--all"));
        if (complaints.length > 0) throw new Error(complaints.join("; "));
      },
      { withinMs: 60_000, everyMs: 500, describe: "every line is counted once on one item a file" },
    );
    await replacementIsRecorded(database);
    const { master } = await node.awaitRunning();
    const after = await node.pids();
    for (const [label, pid] of before) if (label !== "TOP 1") expect(after.get(label), label).toBe(pid);
    expect(after.get("TOP 1")).toBe(record().identity?.pid);
    expect(await history(database, "TOP")).toEqual(["3000", "3003", "3000"]);
    expect(await history(database, "BASE")).toEqual(["3000"]);
    const started = await node.cli("restart", master ?? "", "TOP");
    expect(started.code, said(started)).toBe(0);
  });

  it("that is away is said by a command, with what to do about it, and the node can be used again afterwards", async () => {
    node = await makeNode({ types: LAYERS, postgres: server });
    expect((await node.up()).code).toBe(0);
    const before = await node.pids();
    await server.kill9();
    const status = await node.cli("status");
    expect(status.code, said(status)).toBe(3);
    expect(said(status)).toMatch(/ECONNREFUSED.*check that the server runs/);
    await server.restart();
    await server.freeze();
    const frozen = await node.cli("status");
    expect(frozen.code, said(frozen)).toBe(3);
    expect(said(frozen)).toMatch(/timeout.*check that the server runs/i);
    server.thaw();
    await node.awaitRunning();
    expect(await node.pids()).toEqual(before);
    const stopped = await node.cli("stop", (await node.status()).master ?? "", "TOP");
    expect(stopped.code, said(stopped)).toBe(0);
  });
});
