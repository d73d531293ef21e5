/**
 * What every gateway must do, as one suite: run it over each database and over the twin in memory. A difference between
 * two databases is a test here before it is a line in `dialects/`.
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Gateway, insert, insertIfAbsent, remove, update } from "../gateway.ts";
import { type TableName, tables } from "../schema/tables.ts";
import { describeReads } from "./reads.ts";
import { describeRefusals } from "./refusals.ts";
import { type Extreme, extremeRow, itemRow, NOON, nodeStateRow, operationRow, serverRow, stepRow } from "./rows.ts";

/** A database of its own, empty but for the schema. */
export interface TestDatabase {
  /** One more gateway on it, as one more server would open it. */
  open(): Promise<Gateway>;
  /** Closes what was opened and leaves nothing behind. */
  remove(): Promise<void>;
}

/** Registers the suite; `make` is called once per test. */
export function describeGateway(name: string, make: () => Promise<TestDatabase>): void {
  describe(name, () => {
    let database: TestDatabase;
    let gateway: Gateway;

    beforeEach(async () => {
      database = await make();
      gateway = await database.open();
    });
    afterEach(async () => {
      await database.remove();
    });

    describe("rows", () => {
      for (const extreme of ["low", "high", "null"] satisfies Extreme[]) {
        it(`of every table come back as they went in (${extreme})`, async () => {
          const names = Object.keys(tables).filter(isTableName);
          for (const table of names) await gateway.commit([insert(table, extremeRow(table, extreme))]);
          for (const table of names) expect(await gateway.find(table), table).toEqual([extremeRow(table, extreme)]);
        });
      }

      it("hold null where a nullable string was empty", async () => {
        await gateway.commit([insert("node_cluster", serverRow(1, { machine_comment: "" }))]);
        expect(await gateway.find("node_cluster", { where: { machine_comment: null } })).toHaveLength(1);
        expect(await gateway.find("node_cluster", { where: { machine_comment: "" } })).toHaveLength(1);
        await gateway.commit([update("node_cluster", {}, { machine_comment: "x" })]);
        await gateway.commit([update("node_cluster", {}, { machine_comment: "" })]);
        expect(await gateway.find("node_cluster")).toEqual([serverRow(1)]);
      });

      it("belong to the schema, not to the caller", async () => {
        const time = new Date(NOON);
        const row = nodeStateRow({ changed_at: time });
        await gateway.commit([insert("node_state", row)]);
        time.setFullYear(1999);
        const [found] = await gateway.find("node_state");
        found?.changed_at.setFullYear(1999);
        expect(await gateway.find("node_state")).toEqual([nodeStateRow()]);
      });
    });

    describe("a commit", () => {
      it("answers how many rows each write touched", async () => {
        const touched = await gateway.commit([
          insert("node_cluster", serverRow(1)),
          insert("node_cluster", serverRow(2)),
          insertIfAbsent("node_cluster", serverRow(2)),
          insertIfAbsent("node_cluster", serverRow(3)),
          update("node_cluster", { logical_machine_id: { above: 1 } }, { check_error_files: false }, 2),
          update("node_cluster", { logical_machine_id: 9 }, { check_error_files: false }, "any"),
          remove("node_cluster", { logical_machine_id: 1 }),
          remove("node_cluster", {}, 2),
        ]);
        expect(touched).toEqual([1, 1, 0, 1, 2, 0, 1, 2]);
        expect(await gateway.commit([])).toEqual([]);
      });

      it("counts a row it sets to what it was", async () => {
        await gateway.commit([insert("node_state", nodeStateRow())]);
        expect(await gateway.commit([update("node_state", { id: 1 }, { epoch: 0 })])).toEqual([1]);
      });

      it("writes nothing at all when a guard misses, and says which", async () => {
        await gateway.commit([insert("node_state", nodeStateRow({ epoch: 7 }))]);
        const late = gateway.commit([
          insert("node_cluster", serverRow(1)),
          update("node_state", { id: 1, epoch: 7 }, { fence: { add: 1 } }),
          update("node_state", { id: 1, epoch: 6 }, { epoch: 8 }),
        ]);
        await expect(late).rejects.toMatchObject({ code: "STORE_CONFLICT", index: 2, retryable: false });
        expect(await gateway.find("node_cluster")).toEqual([]);
        expect(await gateway.find("node_state")).toEqual([nodeStateRow({ epoch: 7 })]);
      });

      it("misses a guard also when it touches more rows than expected", async () => {
        await gateway.commit([insert("node_cluster", serverRow(1)), insert("node_cluster", serverRow(2))]);
        await expect(gateway.commit([remove("node_cluster", {}, 1)])).rejects.toMatchObject({ code: "STORE_CONFLICT" });
        expect(await gateway.find("node_cluster")).toHaveLength(2);
      });

      it("sees its own earlier writes", async () => {
        await gateway.commit([
          insert("node_state", nodeStateRow({ epoch: 1 })),
          update("node_state", { epoch: 1 }, { epoch: { add: 1 } }),
          update("node_state", { epoch: 2 }, { epoch: { add: 40 }, fence: { add: -3 } }),
        ]);
        expect(await gateway.find("node_state")).toEqual([nodeStateRow({ epoch: 42, fence: -3 })]);
      });

      it("adds nothing to null", async () => {
        await gateway.commit([
          insert("node_state", nodeStateRow()),
          update("node_state", {}, { master_id: { add: 1 } }),
        ]);
        expect((await gateway.find("node_state"))[0]?.master_id).toBeNull();
      });
    });

    describe("keys", () => {
      it("refuse a second row, and what else the commit wrote", async () => {
        await gateway.commit([insert("node_cluster", serverRow(1))]);
        const again = gateway.commit([
          insert("node_cluster", serverRow(2)),
          insert("node_cluster", serverRow(1, { physical_machine_name: "other" })),
        ]);
        await expect(again).rejects.toMatchObject({ code: "STORE_DUPLICATE", details: { table: "node_cluster" } });
        expect(await gateway.find("node_cluster")).toEqual([serverRow(1)]);
      });

      it("make insertIfAbsent a no-op for the primary key and for every unique index", async () => {
        await gateway.commit([insert("operation", operationRow("a"))]);
        const touched = await gateway.commit([
          insertIfAbsent("operation", operationRow("a", { request_id: "new" })),
          insertIfAbsent("operation", operationRow("b", { request_id: "request-a" })),
        ]);
        expect(touched).toEqual([0, 0]);
        expect(await gateway.find("operation")).toEqual([operationRow("a")]);
      });

      it("tell upper from lower case, and see trailing blanks", async () => {
        const ids = ["a", "A", "a "];
        await gateway.commit(ids.map((id) => insert("operation", operationRow(id))));
        expect((await gateway.find("operation", { where: { id: "a" } })).map((row) => row.id)).toEqual(["a"]);
      });

      it("admit one master", async () => {
        await gateway.commit([
          insert("node_cluster", serverRow(1, { master: true })),
          insert("node_cluster", serverRow(2)),
          insert("node_cluster", serverRow(3)),
        ]);
        const second = gateway.commit([update("node_cluster", { logical_machine_id: 2 }, { master: true })]);
        await expect(second).rejects.toMatchObject({ code: "STORE_DUPLICATE" });
        await gateway.commit([
          update("node_cluster", { logical_machine_id: 1 }, { master: false }),
          update("node_cluster", { logical_machine_id: 2 }, { master: true }),
        ]);
        const masters = await gateway.find("node_cluster", { where: { master: true } });
        expect(masters.map((row) => row.logical_machine_id)).toEqual([2]);
      });

      it("admit one open work item per cause, and any number of closed ones", async () => {
        const open = { cause: "c", open_cause: "c" };
        await gateway.commit([insert("work_item", itemRow(1, open)), insert("work_item", itemRow(2, { cause: "c" }))]);
        expect(await gateway.commit([insertIfAbsent("work_item", itemRow(3, open))])).toEqual([0]);
        await expect(gateway.commit([insert("work_item", itemRow(3, open))])).rejects.toMatchObject({
          code: "STORE_DUPLICATE",
        });
        const reopened = gateway.commit([update("work_item", { case_number: 2 }, { open_cause: "c" })]);
        await expect(reopened).rejects.toMatchObject({ code: "STORE_DUPLICATE" });
        await gateway.commit([
          update("work_item", { case_number: 1 }, { open_cause: null }),
          insert("work_item", itemRow(3, open)),
        ]);
        expect(await gateway.find("work_item", { where: { cause: "c" } })).toHaveLength(3);
      });
    });

    describe("references", () => {
      it("refuse a row without its parent, and to lose a parent in use", async () => {
        const orphan = gateway.commit([insert("operation_step", stepRow("s", "nobody", 1))]);
        await expect(orphan).rejects.toMatchObject({ code: "STORE_CONFLICT", index: 0 });
        await gateway.commit([insert("operation", operationRow("a")), insert("operation_step", stepRow("s", "a", 1))]);
        await expect(gateway.commit([remove("operation", {})])).rejects.toMatchObject({ code: "STORE_CONFLICT" });
        const moved = gateway.commit([update("operation_step", {}, { operation_id: "nobody" })]);
        await expect(moved).rejects.toMatchObject({ code: "STORE_CONFLICT" });
        await gateway.commit([remove("operation_step", {}, 1), remove("operation", {}, 1)]);
        expect(await gateway.find("operation")).toEqual([]);
      });
    });

    describe("several gateways", () => {
      it("see what another committed", async () => {
        const other = await database.open();
        await gateway.commit([insert("node_cluster", serverRow(1))]);
        expect(await other.find("node_cluster")).toEqual([serverRow(1)]);
      });

      it("take an epoch once each: compare-and-swap has one winner a round", async () => {
        const rivals = [gateway, await database.open(), await database.open(), await database.open()];
        await gateway.commit([insert("node_state", nodeStateRow())]);
        for (let epoch = 0; epoch < 8; epoch += 1) {
          const outcomes = await Promise.allSettled(
            rivals.map((rival, at) =>
              rival.commit([
                update("node_state", { id: 1, epoch }, { epoch: { add: 1 }, nonce: `rival-${at}`, fence: { add: 1 } }),
              ]),
            ),
          );
          const won = outcomes.flatMap((outcome, at) => (outcome.status === "fulfilled" ? [at] : []));
          expect(won).toHaveLength(1);
          const lost = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [codeOf(outcome.reason)] : []));
          expect(lost).toEqual(["STORE_CONFLICT", "STORE_CONFLICT", "STORE_CONFLICT"]);
          const [state] = await gateway.find("node_state");
          expect(state).toMatchObject({ epoch: epoch + 1, fence: epoch + 1, nonce: `rival-${won[0]}` });
        }
      });

      it("lose no addition", async () => {
        const writers = [gateway, await database.open(), await database.open()];
        await gateway.commit([insert("node_state", nodeStateRow())]);
        const add = update("node_state", { id: 1 }, { fence: { add: 1 } });
        await Promise.all(writers.flatMap((writer) => Array.from({ length: 20 }, () => writer.commit([add]))));
        expect((await gateway.find("node_state"))[0]?.fence).toBe(60);
      });
    });

    describe("a closed gateway", () => {
      it("finishes what was asked before, refuses what is asked after, and closes twice", async () => {
        const other = await database.open();
        const before = other.commit([insert("node_cluster", serverRow(1))]);
        await Promise.all([other.close(), other.close()]);
        expect(await before).toEqual([1]);
        await expect(other.find("node_cluster")).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
        await expect(other.commit([remove("node_cluster", {})])).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
        expect(await gateway.find("node_cluster")).toHaveLength(1);
      });
    });

    describeReads(() => gateway);
    describeRefusals(() => gateway);
  });
}

function isTableName(name: string): name is TableName {
  return Object.hasOwn(tables, name);
}

function codeOf(thrown: unknown): unknown {
  return typeof thrown === "object" && thrown !== null && "code" in thrown ? thrown.code : thrown;
}
