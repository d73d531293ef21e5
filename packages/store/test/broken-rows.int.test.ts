/** Rows that somebody has broken by hand: named by table, row and column, read as something mild; the rest is as ever. */

import { createSystemClock } from "@castellan/kernel";
import { bootstrapNode, insert, type Row } from "@castellan/store";
import { readNodeState } from "@castellan/store/state";
import type { BrokenValue } from "@castellan/store/typeorm";
import { workItemReport } from "@castellan/store/work-item";
import Database from "better-sqlite3";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type TableName, tables } from "../src/schema/tables.ts";
import { itemRow } from "../src/testing/rows.ts";
import { sqliteFile, type TestFile } from "./files.ts";

let file: TestFile;
beforeEach(async () => {
  file = await sqliteFile();
});
afterEach(() => file.remove());

/** As with an SQL tool that checks nothing. */
function byHand(...statements: string[]): void {
  const handle = new Database(file.path);
  handle.unsafeMode();
  handle.pragma("writable_schema = ON");
  handle.pragma("ignore_check_constraints = ON");
  handle.pragma("foreign_keys = OFF");
  // A NULL where none can be: the constraint goes first.
  handle.exec("UPDATE sqlite_master SET sql = replace(sql, 'NOT NULL', '') WHERE type = 'table'");
  handle.close();
  const again = new Database(file.path);
  again.pragma("foreign_keys = OFF");
  for (const statement of statements) again.exec(statement);
  again.close();
}

async function opened() {
  const broken: BrokenValue[] = [];
  const gateway = await file.open({ onBrokenValue: (value) => void broken.push(value) });
  return { gateway, broken };
}

const item = (caseNumber: number): Row<"work_item"> =>
  itemRow(caseNumber, { state: "new", severity: "error", kind: "disk" });

const isTableName = (name: string): name is TableName => Object.hasOwn(tables, name);

describe("a row that somebody has broken", () => {
  it("is named once by table, row and column, and read with the rest", async () => {
    const first = await opened();
    await first.gateway.commit([
      insert("work_item", item(1)),
      insert("work_item", item(2)),
      insert("work_item", item(3)),
    ]);
    byHand(
      "UPDATE work_item SET first_seen = 'yesterday', state = 'gone fishing', occurrences = 'many' WHERE case_number = 2",
      "UPDATE work_item SET last_seen = NULL, severity = NULL, priority = 1e300 WHERE case_number = 3",
    );
    const { gateway, broken } = await opened();
    const rows = await gateway.find("work_item");
    expect(rows.map((row) => workItemReport(row, new Date()).caseNumber)).toEqual([1, 2, 3]);
    expect(rows[0]).toEqual((await first.gateway.find("work_item", { where: { case_number: 1 } }))[0]);
    expect(broken.map(({ table, row, column }) => `${table} ${row} ${column}`).sort()).toEqual([
      "work_item case_number=2 first_seen",
      "work_item case_number=2 occurrences",
      "work_item case_number=3 last_seen",
      "work_item case_number=3 priority",
      "work_item case_number=3 severity",
    ]);
    expect(workItemReport(rows[1] ?? item(0), new Date())).toMatchObject({
      state: "new",
      summary: expect.stringMatching(/^\[row 2 of work_item: state "gone fishing" is not known\] /),
    });
    await gateway.find("work_item");
    expect(broken).toHaveLength(5);
  });

  it("does not hide the node, its servers and processes", async () => {
    const { gateway } = await opened();
    await bootstrapNode(gateway, { node: "ips1", dirName: "/srv", server: "hades", clock: createSystemClock() });
    byHand(
      "UPDATE node_state SET epoch = 'high', changed_at = x'00ff', state = 'ON FIRE'",
      "UPDATE server_state SET state = NULL",
      "INSERT INTO node_cluster (logical_machine_id, physical_machine_name, master, check_error_files) VALUES (7, NULL, 'maybe', 2)",
    );
    const again = await opened();
    const view = await readNodeState(again.gateway);
    expect(view).toMatchObject({ node: "ips1", epoch: 0, state: "STOPPED" });
    expect(view.servers.map(({ name }) => name)).toEqual(["hades", "-"]);
    expect(view.problems.join("\n")).toMatch(/state of the node: "ON FIRE" is not known/);
    expect(again.broken.map(({ table, column }) => `${table}.${column}`)).toEqual(
      expect.arrayContaining([
        "node_state.epoch",
        "node_state.changed_at",
        "server_state.state",
        "node_cluster.physical_machine_name",
      ]),
    );
  });

  it("without a key that can be read counts as not there, and is named", async () => {
    const { gateway } = await opened();
    await gateway.commit([insert("work_item", item(1))]);
    byHand("INSERT INTO outbox_position (server_name, outbox, last_number) VALUES (NULL, 'x', 1)");
    const again = await opened();
    expect(await again.gateway.find("outbox_position")).toEqual([]);
    expect(again.broken).toMatchObject(
      [{ table: "outbox_position", column: "server_name", problem: /NULL.*not there/ }].map((one) => ({
        ...one,
        problem: expect.stringMatching(one.problem),
      })),
    );
  });

  it("of any table is read, whatever stands in its columns", async () => {
    const { gateway } = await opened();
    byHand();
    const handle = new Database(file.path);
    const value = fc.oneof(
      fc.constant(null),
      fc.string(),
      fc.integer(),
      fc.double({ noNaN: true }),
      fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes)),
    );
    try {
      for (const name of Object.keys(tables).filter(isTableName)) {
        const table = tables[name];
        const columns = Object.keys(table.columns);
        const put = handle.prepare(
          `INSERT OR REPLACE INTO ${table.name} (${columns.map((name) => `"${name}"`).join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`,
        );
        handle.pragma("foreign_keys = OFF");
        fc.assert(
          fc.property(fc.array(value, { minLength: columns.length, maxLength: columns.length }), (values) => {
            try {
              put.run(...values);
            } catch (thrown) {
              // What the database itself refuses cannot be in it.
              if (!(thrown instanceof Database.SqliteError)) throw thrown;
            }
          }),
          { numRuns: 10 },
        );
        for (const row of await gateway.find(name)) {
          for (const column of columns) expect(Reflect.get(row, column)).not.toBeUndefined();
          for (const cell of Object.values(row)) if (cell instanceof Date) expect(cell.getTime()).not.toBeNaN();
        }
      }
    } finally {
      handle.close();
    }
  });
});
