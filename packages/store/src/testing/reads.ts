/** The part of the suite about conditions, order and limits. */
import { beforeEach, describe, expect, it } from "vitest";
import { type Gateway, insert, type Query, remove } from "../gateway.ts";
import { itemRow } from "./rows.ts";

export function describeReads(gateway: () => Gateway): void {
  describe("a read", () => {
    // Case number: locked_by, priority, last_seen
    const items = [
      itemRow(1, { locked_by: null, priority: 10, last_seen: new Date("2026-01-01T00:00:00.001Z") }),
      itemRow(2, { locked_by: "ann", priority: 50, last_seen: new Date("2026-01-01T00:00:00.002Z") }),
      itemRow(3, { locked_by: "Bob", priority: 50, last_seen: new Date("2026-01-01T00:00:00.003Z") }),
      itemRow(4, { locked_by: "ann", priority: 10, last_seen: new Date("1969-12-31T23:59:59.999Z"), escalated: true }),
      itemRow(5, { locked_by: "ätna", priority: 99, last_seen: new Date("2026-01-01T00:00:00.000Z") }),
    ];
    beforeEach(async () => {
      await gateway().commit(items.toReversed().map((row) => insert("work_item", row)));
    });
    it("without an order comes in the order of the primary key", async () => {
      expect(await numbersOf(gateway(), {})).toEqual([1, 2, 3, 4, 5]);
    });

    it.each<[string, Query<"work_item">["where"] & object, number[]]>([
      ["a value", { locked_by: "ann" }, [2, 4]],
      ["null", { locked_by: null }, [1]],
      ["not null", { locked_by: { not: null } }, [2, 3, 4, 5]],
      ["not a value, null included", { locked_by: { not: "ann" } }, [1, 3, 5]],
      ["not a value, never null", { priority: { not: 50 } }, [1, 4, 5]],
      ["a list", { case_number: { in: [5, 1, 1, 77] } }, [1, 5]],
      ["an empty list", { case_number: { in: [] } }, []],
      ["a long list", { case_number: { in: Array.from({ length: 1203 }, (_, at) => at + 4) } }, [4, 5]],
      ["below, null excluded", { locked_by: { below: "b" } }, [2, 3, 4]],
      ["above, by code point", { locked_by: { above: "ann" } }, [5]],
      ["times", { last_seen: { above: new Date("2026-01-01T00:00:00.001Z") } }, [2, 3]],
      ["times before 1970", { last_seen: { below: new Date(0) } }, [4]],
      ["a time to the millisecond", { last_seen: new Date("2026-01-01T00:00:00.002Z") }, [2]],
      ["a flag", { escalated: true }, [4]],
      ["a flag's negation", { escalated: { not: true } }, [1, 2, 3, 5]],
      ["several columns", { priority: 50, locked_by: { not: "ann" } }, [3]],
      ["what no row can hold", { queue_name: "" }, []],
    ])("finds by %s", async (_what, where, found) => {
      expect(await numbersOf(gateway(), { where })).toEqual(found);
      // A guard means the same as a read.
      expect(await gateway().commit([remove("work_item", where)])).toEqual([found.length]);
    });

    it("orders null first, strings by code point, ties by the primary key", async () => {
      expect(await numbersOf(gateway(), { orderBy: [{ column: "locked_by" }] })).toEqual([1, 3, 2, 4, 5]);
      expect(await numbersOf(gateway(), { orderBy: [{ column: "locked_by", descending: true }] })).toEqual([
        5, 2, 4, 3, 1,
      ]);
      const byPriority = [{ column: "priority", descending: true }, { column: "last_seen" }] as const;
      expect(await numbersOf(gateway(), { orderBy: byPriority })).toEqual([5, 2, 3, 4, 1]);
    });

    it("stops at its limit", async () => {
      expect(await numbersOf(gateway(), { orderBy: [{ column: "case_number", descending: true }], limit: 2 })).toEqual([
        5, 4,
      ]);
      expect(await numbersOf(gateway(), { limit: 0 })).toEqual([]);
      expect(await numbersOf(gateway(), { limit: 99 })).toHaveLength(5);
    });

    it("leaves out the first rows of its order", async () => {
      const latest = { orderBy: [{ column: "case_number", descending: true }] } as const;
      expect(await numbersOf(gateway(), { ...latest, skip: 3, limit: 1 })).toEqual([2]);
      expect(await numbersOf(gateway(), { ...latest, skip: 4, limit: 9 })).toEqual([1]);
      expect(await numbersOf(gateway(), { ...latest, skip: 5, limit: 1 })).toEqual([]);
    });
  });
}

async function numbersOf(gateway: Gateway, query: Query<"work_item">): Promise<number[]> {
  return (await gateway.find("work_item", query)).map((row) => row.case_number);
}
