/** The part of the suite about all or nothing: counts, guards, additions, and removing a part. */
import { describe, expect, it } from "vitest";
import { type Gateway, insert, insertIfAbsent, prune, remove, update } from "../gateway.ts";
import { itemRow, nodeStateRow, operationRow, serverRow, stepRow } from "./rows.ts";

export function describeCommits(gateway: () => Gateway): void {
  describe("a commit", () => {
    it("answers how many rows each write touched", async () => {
      const touched = await gateway().commit([
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
      expect(await gateway().commit([])).toEqual([]);
    });

    it("counts a row it sets to what it was", async () => {
      await gateway().commit([insert("node_state", nodeStateRow())]);
      expect(await gateway().commit([update("node_state", { id: 1 }, { epoch: 0 })])).toEqual([1]);
    });

    it("writes nothing at all when a guard misses, and says which", async () => {
      await gateway().commit([insert("node_state", nodeStateRow({ epoch: 7 }))]);
      const late = gateway().commit([
        insert("node_cluster", serverRow(1)),
        update("node_state", { id: 1, epoch: 7 }, { fence: { add: 1 } }),
        update("node_state", { id: 1, epoch: 6 }, { epoch: 8 }),
      ]);
      await expect(late).rejects.toMatchObject({ code: "STORE_CONFLICT", index: 2, retryable: false });
      expect(await gateway().find("node_cluster")).toEqual([]);
      expect(await gateway().find("node_state")).toEqual([nodeStateRow({ epoch: 7 })]);
    });

    it("misses a guard also when it touches more rows than expected", async () => {
      await gateway().commit([insert("node_cluster", serverRow(1)), insert("node_cluster", serverRow(2))]);
      await expect(gateway().commit([remove("node_cluster", {}, 1)])).rejects.toMatchObject({ code: "STORE_CONFLICT" });
      expect(await gateway().find("node_cluster")).toHaveLength(2);
    });

    it("sees its own earlier writes", async () => {
      await gateway().commit([
        insert("node_state", nodeStateRow({ epoch: 1 })),
        update("node_state", { epoch: 1 }, { epoch: { add: 1 } }),
        update("node_state", { epoch: 2 }, { epoch: { add: 40 }, fence: { add: -3 } }),
      ]);
      expect(await gateway().find("node_state")).toEqual([nodeStateRow({ epoch: 42, fence: -3 })]);
    });

    it("adds nothing to null", async () => {
      await gateway().commit([
        insert("node_state", nodeStateRow()),
        update("node_state", {}, { master_id: { add: 1 } }),
      ]);
      expect((await gateway().find("node_state"))[0]?.master_id).toBeNull();
    });
  });

  describe("removing a part", () => {
    const all = [5, 3, 1, 4, 2];

    it("takes the first by primary key of what the condition gives, and says how many those were", async () => {
      const rows = all.map((number) => itemRow(number, { escalated: number !== 2 }));
      await gateway().commit(rows.map((row) => insert("work_item", row)));
      const some = prune("work_item", { escalated: true }, 2);
      expect(await gateway().commit([some])).toEqual([2]);
      expect(await numbersLeft(gateway())).toEqual([2, 4, 5]);
      expect(await gateway().commit([some, some, prune("work_item", {}, 0)])).toEqual([2, 0, 0]);
      expect(await numbersLeft(gateway())).toEqual([2]);
    });

    it("goes by the key, not by when a row was written", async () => {
      await gateway().commit([insert("operation", operationRow("a")), insert("operation", operationRow("b"))]);
      await gateway().commit([
        insert("operation_step", stepRow("2", "a", 1)),
        insert("operation_step", stepRow("1", "b", 1)),
      ]);
      expect(await gateway().commit([prune("operation_step", { operation_id: { in: ["a", "b"] } }, 1)])).toEqual([1]);
      expect((await gateway().find("operation_step")).map(({ id }) => id)).toEqual(["2"]);
    });

    it("belongs to its commit: a guard that misses undoes it, a row in use stays", async () => {
      await gateway().commit([insert("operation", operationRow("a")), insert("operation_step", stepRow("s", "a", 1))]);
      const guarded = gateway().commit([prune("operation_step", {}, 5), update("node_state", { id: 1 }, { fence: 1 })]);
      await expect(guarded).rejects.toMatchObject({ code: "STORE_CONFLICT", index: 1 });
      await expect(gateway().commit([prune("operation", {}, 5)])).rejects.toMatchObject({ code: "STORE_CONFLICT" });
      expect(await gateway().find("operation_step")).toHaveLength(1);
    });
  });
}

async function numbersLeft(gateway: Gateway): Promise<number[]> {
  return (await gateway.find("work_item")).map((row) => row.case_number);
}
