/** The part of the suite about what the schema itself refuses: keys and references. */
import { describe, expect, it } from "vitest";
import { type Gateway, insert, insertIfAbsent, remove, update } from "../gateway.ts";
import { itemRow, operationRow, serverRow, stepRow } from "./rows.ts";

export function describeKeys(gateway: () => Gateway): void {
  describe("keys", () => {
    it("refuse a second row, and what else the commit wrote", async () => {
      await gateway().commit([insert("node_cluster", serverRow(1))]);
      const again = gateway().commit([
        insert("node_cluster", serverRow(2)),
        insert("node_cluster", serverRow(1, { physical_machine_name: "other" })),
      ]);
      await expect(again).rejects.toMatchObject({ code: "STORE_DUPLICATE", details: { table: "node_cluster" } });
      expect(await gateway().find("node_cluster")).toEqual([serverRow(1)]);
    });

    it("make insertIfAbsent a no-op for the primary key and for every unique index", async () => {
      await gateway().commit([insert("operation", operationRow("a"))]);
      const touched = await gateway().commit([
        insertIfAbsent("operation", operationRow("a", { request_id: "new" })),
        insertIfAbsent("operation", operationRow("b", { request_id: "request-a" })),
      ]);
      expect(touched).toEqual([0, 0]);
      expect(await gateway().find("operation")).toEqual([operationRow("a")]);
    });

    it("tell upper from lower case, and see trailing blanks", async () => {
      const ids = ["a", "A", "a "];
      await gateway().commit(ids.map((id) => insert("operation", operationRow(id))));
      expect((await gateway().find("operation", { where: { id: "a" } })).map((row) => row.id)).toEqual(["a"]);
    });

    it("admit one master", async () => {
      await gateway().commit([
        insert("node_cluster", serverRow(1, { master: true })),
        insert("node_cluster", serverRow(2)),
        insert("node_cluster", serverRow(3)),
      ]);
      const second = gateway().commit([update("node_cluster", { logical_machine_id: 2 }, { master: true })]);
      await expect(second).rejects.toMatchObject({ code: "STORE_DUPLICATE" });
      await gateway().commit([
        update("node_cluster", { logical_machine_id: 1 }, { master: false }),
        update("node_cluster", { logical_machine_id: 2 }, { master: true }),
      ]);
      const masters = await gateway().find("node_cluster", { where: { master: true } });
      expect(masters.map((row) => row.logical_machine_id)).toEqual([2]);
    });

    it("admit one open work item per cause, and any number of closed ones", async () => {
      const open = { cause: "c", open_cause: "c" };
      await gateway().commit([insert("work_item", itemRow(1, open)), insert("work_item", itemRow(2, { cause: "c" }))]);
      expect(await gateway().commit([insertIfAbsent("work_item", itemRow(3, open))])).toEqual([0]);
      await expect(gateway().commit([insert("work_item", itemRow(3, open))])).rejects.toMatchObject({
        code: "STORE_DUPLICATE",
      });
      const reopened = gateway().commit([update("work_item", { case_number: 2 }, { open_cause: "c" })]);
      await expect(reopened).rejects.toMatchObject({ code: "STORE_DUPLICATE" });
      await gateway().commit([
        update("work_item", { case_number: 1 }, { open_cause: null }),
        insert("work_item", itemRow(3, open)),
      ]);
      expect(await gateway().find("work_item", { where: { cause: "c" } })).toHaveLength(3);
    });
  });

  describe("references", () => {
    it("refuse a row without its parent, and to lose a parent in use", async () => {
      const orphan = gateway().commit([insert("operation_step", stepRow("s", "nobody", 1))]);
      await expect(orphan).rejects.toMatchObject({ code: "STORE_CONFLICT", index: 0 });
      await gateway().commit([insert("operation", operationRow("a")), insert("operation_step", stepRow("s", "a", 1))]);
      await expect(gateway().commit([remove("operation", {})])).rejects.toMatchObject({ code: "STORE_CONFLICT" });
      const moved = gateway().commit([update("operation_step", {}, { operation_id: "nobody" })]);
      await expect(moved).rejects.toMatchObject({ code: "STORE_CONFLICT" });
      await gateway().commit([remove("operation_step", {}, 1), remove("operation", {}, 1)]);
      expect(await gateway().find("operation")).toEqual([]);
    });
  });
}
