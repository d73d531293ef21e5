/** The part of the suite about what comes back of what went in. */
import { describe, expect, it } from "vitest";
import { type Gateway, insert, update } from "../gateway.ts";
import { type TableName, tables } from "../schema/tables.ts";
import { type Extreme, extremeRow, NOON, nodeStateRow, serverRow } from "./rows.ts";

export function describeRows(gateway: () => Gateway): void {
  describe("rows", () => {
    for (const extreme of ["low", "high", "null"] satisfies Extreme[]) {
      it(`of every table come back as they went in (${extreme})`, async () => {
        const names = Object.keys(tables).filter(isTableName);
        for (const table of names) await gateway().commit([insert(table, extremeRow(table, extreme))]);
        for (const table of names) expect(await gateway().find(table), table).toEqual([extremeRow(table, extreme)]);
      });
    }

    it("hold null where a nullable string was empty", async () => {
      await gateway().commit([insert("node_cluster", serverRow(1, { machine_comment: "" }))]);
      expect(await gateway().find("node_cluster", { where: { machine_comment: null } })).toHaveLength(1);
      expect(await gateway().find("node_cluster", { where: { machine_comment: "" } })).toHaveLength(1);
      await gateway().commit([update("node_cluster", {}, { machine_comment: "x" })]);
      await gateway().commit([update("node_cluster", {}, { machine_comment: "" })]);
      expect(await gateway().find("node_cluster")).toEqual([serverRow(1)]);
    });

    it("belong to the schema, not to the caller", async () => {
      const time = new Date(NOON);
      const row = nodeStateRow({ changed_at: time });
      await gateway().commit([insert("node_state", row)]);
      time.setFullYear(1999);
      const [found] = await gateway().find("node_state");
      found?.changed_at.setFullYear(1999);
      expect(await gateway().find("node_state")).toEqual([nodeStateRow()]);
    });
  });
}

function isTableName(name: string): name is TableName {
  return Object.hasOwn(tables, name);
}
