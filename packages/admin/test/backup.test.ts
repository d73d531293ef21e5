/** A backup holds the schema, says when it is not whole, and what is restored from it takes nothing up that was under way. */
import { createHash } from "node:crypto";
import { CastellanError, createIdSource, createSeededRng } from "@castellan/kernel";
import { BackupEnd, type BackupHeader, BackupTable } from "@castellan/protocol";
import { bootstrapNode, type Gateway, insert, update } from "@castellan/store";
import { readMark } from "@castellan/store/copy";
import { createMemoryGateway } from "@castellan/store/memory";
import { describe, expect, it } from "vitest";
import { backupLines, openBackup } from "../src/schema/backup-lines.ts";
import { LEAP, restoreSchema } from "../src/schema/restore.ts";
import { eagerClock } from "./node-fixture.ts";

const clock = eagerClock();
const newId = createIdSource(clock, createSeededRng(3));
const who = { user: "ann", station: "here", command: "castellan restore" };
const HEADER: BackupHeader = {
  castellan: "backup",
  format: 1,
  product: "0.2.0",
  schema: 2,
  node: "ips1",
  schemaId: null,
  takenAt: "2026-11-22T12:00:00.000Z",
};

async function node(epoch: number): Promise<Gateway> {
  const gateway = createMemoryGateway();
  await bootstrapNode(gateway, { node: "ips1", dirName: "/srv", server: "hades", clock });
  const times = { started_at: clock.now(), last_seen_at: new Date(0) };
  await gateway.commit([
    insert("sentinel", { logical_machine_id: 1, incarnation: 4, nonce: "n", ...times, ended_at: null }),
    update("node_state", { id: 1 }, { epoch, master_id: 1 }),
    update("node_cluster", { logical_machine_id: 1 }, { master: true }),
    insert("forced_stop", { id: 1, request_id: "r", requested_by: "bob", stop_at: new Date(0) }),
    insert("operation", {
      id: "op",
      request_id: "r",
      verb: "shutdown",
      target: "{}",
      options: "{}",
      requested_by: "bob",
      state: "open",
      result_text: null,
      epoch,
      created_at: clock.now(),
      finished_at: null,
    }),
  ]);
  // More than a page of a table whose key is made of several columns.
  for (let at = 0; at < 210; at += 1) {
    await gateway.commit([insert("outbox_position", { server_name: `s${at % 3}`, outbox: `o${at}`, last_number: at })]);
  }
  return gateway;
}

async function linesOf(gateway: Gateway, header = HEADER): Promise<string[]> {
  let text = "";
  for await (const chunk of backupLines(gateway, header)) text += chunk;
  return text.trimEnd().split("\n");
}

async function* each(lines: readonly string[]): AsyncGenerator<string> {
  yield* lines;
}

async function readAll(lines: readonly string[]): Promise<number> {
  let rows = 0;
  for await (const page of (await openBackup(each(lines), 2)).pages) rows += page.rows.length;
  return rows;
}

const restore = async (
  gateway: Gateway,
  lines: readonly string[],
  over: { replace?: boolean; seenEpoch?: number } = {},
) =>
  await restoreSchema({
    gateway,
    backup: await openBackup(each(lines), 2),
    file: "/backup/ips1.backup",
    node: "IPS1",
    replace: false,
    seenEpoch: 0,
    clock,
    newId,
    who,
    ...over,
  });

const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
  } catch (thrown) {
    if (thrown instanceof CastellanError) return thrown.code;
    throw thrown;
  }
  return "done";
};

describe("a backup", () => {
  it("holds every row in lines that name their table and columns", async () => {
    const lines = await linesOf(await node(7));
    expect(JSON.parse(lines[0] ?? "")).toEqual(HEADER);
    expect(lines).toContain('{"table":"nodes","columns":["node_id","node_name","dir_name"]}');
    expect(lines).toContain('[1,"ips1","/srv"]');
    expect(await readAll(lines)).toBe(217);
  });

  it("that has lost, changed or moved as little as a line is refused", async () => {
    const lines = await linesOf(await node(7));
    const at = lines.findIndex((line) => line.startsWith('["s0"'));
    expect(at).toBeGreaterThan(0);
    const spoilt: Readonly<Record<string, readonly string[]>> = {
      "a row is missing": lines.toSpliced(at, 1),
      "a row is twice": lines.toSpliced(at, 0, lines[at] ?? ""),
      "a value is another": lines.with(at, (lines[at] ?? "").replace("s0", "s9")),
      "two rows have changed places": lines.with(at, lines[at + 1] ?? "").with(at + 1, lines[at] ?? ""),
      "its end is missing": lines.slice(0, -1),
      "half a line": lines.with(at, '["s0"'),
      "a value too few": lines.with(at, '["s0","o0"]'),
      "a table that nobody knows": lines.toSpliced(1, 0, '{"table":"passwords","columns":["a"]}'),
      "a column that nobody knows": lines.with(1, '{"table":"nodes","columns":["node_id","node_name","secret"]}'),
      "no table at all": [lines[0] ?? "", "[1]"],
    };
    for (const [what, copy] of Object.entries(spoilt)) expect(await codeOf(readAll(copy)), what).toBe("BACKUP_DAMAGED");
    expect(Object.keys(spoilt)).toHaveLength(10);
  });

  it("is told from other files, and from those of a newer program", async () => {
    for (const lines of [[], [""], ["node: ips1"], ['{"castellan":"backup"}']]) {
      expect(await codeOf(readAll(lines))).toBe("NO_BACKUP");
    }
    const newer = await linesOf(await node(7), { ...HEADER, schema: 3, product: "0.3.0" });
    await expect(readAll(newer)).rejects.toThrow(/version 3 of the schema \(castellan 0.3.0\).*install the newer/);
  });
});

describe("a restored schema", () => {
  it("holds what the backup holds, under an epoch and incarnations that nobody has had; what was under way is over", async () => {
    const before = await node(7);
    const lines = await linesOf(before);
    const gateway = createMemoryGateway();
    const restored = await restore(gateway, lines);
    expect(restored).toMatchObject({ node: "ips1", rows: 217, epoch: 7 + LEAP });
    expect(await readMark(gateway)).toBeNull();
    expect(await gateway.find("outbox_position")).toEqual(await before.find("outbox_position"));
    expect(await gateway.find("node_state")).toMatchObject([{ epoch: 7 + LEAP, master_id: null }]);
    expect(await gateway.find("node_cluster")).toMatchObject([{ master: false }]);
    expect(await gateway.find("sentinel")).toMatchObject([{ incarnation: 4 + LEAP }]);
    expect(await gateway.find("operation")).toMatchObject([
      { state: "failed", result_text: "the schema was restored from a backup" },
    ]);
    expect(await gateway.find("forced_stop")).toEqual([]);
    expect(await gateway.find("audit_log")).toMatchObject([{ what: "schema.restore", by_user: "ann" }]);
  });

  it("goes on above every epoch that is known: the backup's, the present schema's, that of the homes", async () => {
    const lines = await linesOf(await node(7));
    const epochs = [];
    for (const [present, seenEpoch] of [
      [40, 0],
      [7, 90],
      [3, 3],
    ] as const) {
      epochs.push((await restore(await node(present), lines, { replace: true, seenEpoch })).epoch);
    }
    expect(epochs).toEqual([41 + LEAP, 91 + LEAP, 7 + LEAP]);
  });

  it("takes the place of another only when that is said, of no other node, and never under a sentinel that writes", async () => {
    const lines = await linesOf(await node(7));
    const present = await node(9);
    expect(await codeOf(restore(present, lines))).toBe("SCHEMA_IN_USE");
    await present.commit([update("sentinel", {}, { last_seen_at: clock.now() })]);
    expect(await codeOf(restore(present, lines, { replace: true }))).toBe("SENTINELS_RUN");
    const others = await linesOf(await node(7), { ...HEADER, node: "ips2" });
    expect(await codeOf(restore(createMemoryGateway(), others))).toBe("NODE_MISMATCH");
    const anothers = await node(9);
    await anothers.commit([update("nodes", {}, { node_name: "ips2" })]);
    expect(await codeOf(restore(anothers, lines, { replace: true }))).toBe("NODE_MISMATCH");
    expect(await anothers.find("nodes")).toMatchObject([{ node_name: "ips2" }]);
    expect(await present.find("node_state")).toMatchObject([{ epoch: 9 }]);
  });

  it("that was not finished counts for nobody, and is made again", async () => {
    const lines = await linesOf(await node(7));
    const gateway = createMemoryGateway();
    expect(await codeOf(restore(gateway, lines.slice(0, -1)))).toBe("BACKUP_DAMAGED");
    expect(await readMark(gateway)).toMatchObject({ state: "filling", other: "/backup/ips1.backup" });
    await restore(gateway, lines);
    expect(await readMark(gateway)).toBeNull();
  });

  it("of an older version has what came later empty, where it may be", async () => {
    const written = await linesOf(await node(7), { ...HEADER, schema: 1 });
    const older = (column: string) => sealed(withoutColumn(written, "node_cluster", column));
    const gateway = createMemoryGateway();
    await restore(gateway, older("machine_comment"));
    expect(await gateway.find("node_cluster")).toMatchObject([
      { physical_machine_name: "hades", machine_comment: null },
    ]);
    expect(await codeOf(restore(createMemoryGateway(), older("physical_machine_name")))).toBe("STORE_INVALID");
  });
});

/** As a program wrote it whose table had one column less. */
function withoutColumn(lines: readonly string[], table: string, column: string): string[] {
  let gone = -1;
  return lines.map((line) => {
    const value: unknown = JSON.parse(line);
    if (Array.isArray(value)) return gone < 0 ? line : JSON.stringify(value.toSpliced(gone, 1));
    if (!line.startsWith('{"table"')) return line;
    const head = BackupTable.parse(value);
    gone = head.table === table ? head.columns.indexOf(column) : -1;
    return gone < 0 ? line : JSON.stringify({ table, columns: head.columns.toSpliced(gone, 1) });
  });
}

/** With the digest of what it holds. */
function sealed(lines: readonly string[]): string[] {
  const body = lines.slice(0, -1);
  const { tables } = BackupEnd.parse(JSON.parse(lines.at(-1) ?? "")).end;
  const digest = createHash("sha256")
    .update(body.map((line) => `${line}\n`).join(""))
    .digest("hex");
  return [...body, JSON.stringify({ end: { tables, digest } })];
}
