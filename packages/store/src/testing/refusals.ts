/** The part of the suite about what no database gets to see. */
import { describe, expect, it } from "vitest";
import { type Gateway, insert, type Query, remove, update, type Write } from "../gateway.ts";
import { itemRow, NOON, nodeStateRow, operationRow, serverRow } from "./rows.ts";

/** Writes as a caller without types could make them. */
const loose = (table: "node_cluster" | "node_state", row: Readonly<Record<string, unknown>>): Write => ({
  kind: "insert",
  table,
  row,
});

const REFUSED: readonly (readonly [string, Write])[] = [
  ["null where there must be a value", loose("node_state", { ...nodeStateRow(), state: null })],
  ["a missing column", loose("node_cluster", { logical_machine_id: 1 })],
  ["an unknown column", loose("node_cluster", { ...serverRow(1), colour: "red" })],
  ["a column of Object's own", loose("node_cluster", { ...serverRow(1), toString: "x" })],
  ["a value of another type", loose("node_state", { ...nodeStateRow(), epoch: "1" })],
  ["a number for a flag", loose("node_cluster", { ...serverRow(1), master: 1 })],
  ["a string for a time", loose("node_state", { ...nodeStateRow(), changed_at: NOON.toISOString() })],
  ["an object for a string", loose("node_cluster", { ...serverRow(1), physical_machine_name: { in: ["x"] } })],
  ["an empty string that is not nullable", insert("node_cluster", serverRow(1, { physical_machine_name: "" }))],
  ["a string too long by one", insert("operation", operationRow("x".repeat(37)))],
  ["a NUL", insert("node_cluster", serverRow(1, { machine_comment: "a\0b" }))],
  ["half a surrogate pair", insert("node_cluster", serverRow(1, { machine_comment: "a\ud83d" }))],
  ["a fraction", insert("node_state", nodeStateRow({ epoch: 1.5 }))],
  ["not a number", insert("node_state", nodeStateRow({ epoch: Number.NaN }))],
  ["a number beyond 2^53", insert("node_state", nodeStateRow({ epoch: 2 ** 53 }))],
  ["an int beyond 32 bits", insert("node_cluster", serverRow(2 ** 31))],
  ["a time that is none", insert("node_state", nodeStateRow({ changed_at: new Date(Number.NaN) }))],
  ["a time after the year 9999", insert("node_state", nodeStateRow({ changed_at: new Date(8.64e15) }))],
  ["a change of a primary key", update("node_state", { id: 1 }, { id: 2 })],
  ["an addition to a unique column", update("operation_step", {}, { seq: { add: 1 } })],
  ["an addition of a fraction", update("node_state", {}, { epoch: { add: 0.5 } })],
  ["an update of nothing", update("node_state", {}, {})],
  ["a comparison of unbounded text", update("work_item", { details: "{}" }, { priority: 1 })],
  ["a condition that is undefined", { kind: "delete", table: "node_state", where: { id: undefined }, expect: "any" }],
  ["an unknown condition", { kind: "delete", table: "node_state", where: { id: { like: 1 } }, expect: "any" }],
  ["two conditions in one", { kind: "delete", table: "node_state", where: { id: { above: 1, below: 3 } }, expect: 1 }],
  ["a condition on an unknown column", { kind: "delete", table: "node_state", where: { "1=1 --": 1 }, expect: "any" }],
];

export function describeRefusals(gateway: () => Gateway): void {
  describe("a caller's mistake", () => {
    it.each(REFUSED)("is refused by name: %s", async (_what, write) => {
      await gateway().commit([insert("work_item", itemRow(1))]);
      await expect(gateway().commit([remove("work_item", {}), write])).rejects.toMatchObject({
        code: "STORE_INVALID",
        retryable: false,
      });
      expect(await gateway().find("work_item")).toHaveLength(1);
    });

    it.each<[string, Query<"work_item">]>([
      ["a negative limit", { limit: -1 }],
      ["a fractional limit", { limit: 0.5 }],
      ["a negative skip", { limit: 1, skip: -1 }],
      ["a skip without a limit", { skip: 1 }],
      ["an order by unbounded text", { orderBy: [{ column: "details" }] }],
      ["a comparison of unbounded text", { where: { details: { not: "{}" } } }],
    ])("is refused in a read: %s", async (_what, query) => {
      await expect(gateway().find("work_item", query)).rejects.toMatchObject({ code: "STORE_INVALID" });
    });
  });
}
