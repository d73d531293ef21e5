/** A copy of a schema is equal to it, whatever is in it and whatever was there before; the memory twin stands in for databases. */
import { type Gateway, insert, type Row, tables, type Write } from "@castellan/store";
import {
  COPIED_TABLES,
  fillSchema,
  firstInUse,
  type Mark,
  readMark,
  readPages,
  requireCounting,
  requireUnchanged,
  type Sums,
  setMark,
  sumOf,
  takeMarkAway,
} from "@castellan/store/copy";
import { createMemoryGateway } from "@castellan/store/memory";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PAGE, pagesOf, rangesAfter, TABLE_NAMES } from "../src/copy/pages.ts";
import { extremeRow, itemRow, NOON, operationRow, stepRow } from "../src/testing/rows.ts";

const MARK: Mark = { moveId: "move-1", state: "filling", other: "sqlite:old.db", changedAt: NOON };

async function target(mark: Mark = MARK): Promise<Gateway> {
  const gateway = createMemoryGateway();
  await gateway.commit([setMark(null, mark)]);
  return gateway;
}

const fill = async (from: Gateway, to: Gateway, mark = MARK): Promise<Sums> =>
  await fillSchema({ target: to, mark, pages: readPages(from) });

/** Keys from few letters, so that ranges of composite keys are met from all sides; some that databases sort in other ways. */
const word = fc.constantFrom("a", "A", "b", "B ", "ä", "-", "_", "Z", "z", "日", "👩‍🚀", "aa");

const attribute = fc.record({
  logical_machine_id: fc.integer({ min: 0, max: 3 }),
  logical_process_name: word,
  logical_process_instance: fc.integer({ min: -1, max: 2 }),
  attribute_name: word,
  attribute_value: word,
  attribute_type: fc.constant("N"),
});
const position = fc.record({ server_name: word, outbox: word, last_number: fc.maxSafeNat() });

describe("pages of a table", () => {
  it("are the whole table in the order of its key, each row once, whatever the key is made of", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(attribute, {
          selector: (row) => JSON.stringify(Object.values(row).slice(0, 4)),
          minLength: 3,
          maxLength: 400,
          size: "max",
        }),
        async (rows) => {
          const gateway = createMemoryGateway();
          await gateway.commit(rows.map((row) => insert("process_attributes", row)));
          const paged = [];
          for await (const page of pagesOf(gateway, "process_attributes")) {
            expect(page.length).toBeLessThanOrEqual(PAGE);
            paged.push(...page);
          }
          expect(paged).toEqual(await gateway.find("process_attributes"));
          expect(paged).toHaveLength(rows.length);
        },
      ),
      { numRuns: 30 },
    );
  });

  it("go on after a key with the rows of the same beginning first", () => {
    expect(rangesAfter(["a", "b", "c"], { a: 1, b: 2, c: 3, other: 4 })).toEqual([
      { a: 1, b: 2, c: { above: 3 } },
      { a: 1, b: { above: 2 } },
      { a: { above: 1 } },
    ]);
  });
});

describe("a copy", () => {
  it("holds every row of every table, at the extremes of what its columns take", async () => {
    for (const extreme of ["low", "high", "null"] as const) {
      const from = createMemoryGateway();
      await from.commit(COPIED_TABLES.map((table): Write => insert(table, extremeRow(table, extreme))));
      const to = await target();
      const sums = await fill(from, to);
      expect([...sums.values()].map(({ rows }) => rows)).toEqual(COPIED_TABLES.map(() => 1));
      for (const table of COPIED_TABLES) expect(await to.find(table)).toEqual(await from.find(table));
    }
  });

  it("is equal to what it was made of: random rows, over more than a page", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(position, {
          selector: (row) => `${row.server_name} ${row.outbox}`,
          maxLength: 130,
          size: "max",
        }),
        fc.nat(250),
        async (positions, items) => {
          const from = createMemoryGateway();
          await from.commit(positions.map((row) => insert("outbox_position", row)));
          for (let number = 1; number <= items; number += 1) await from.commit([insert("work_item", itemRow(number))]);
          const to = await target();
          await requireUnchanged(from, await fill(from, to));
          expect(await to.find("work_item")).toEqual(await from.find("work_item"));
          expect(await to.find("outbox_position")).toEqual(await from.find("outbox_position"));
        },
      ),
      { numRuns: 20 },
    );
  });

  it("forgets what an earlier attempt had left, in whatever order rows refer to each other", async () => {
    const from = createMemoryGateway();
    await from.commit([insert("operation", operationRow("new")), insert("operation_step", stepRow("s1", "new", 1))]);
    const to = await target();
    await to.commit([insert("operation", operationRow("old")), insert("operation_step", stepRow("s1", "old", 1))]);
    for (let number = 1; number <= 2 * PAGE; number += 1) await to.commit([insert("work_item", itemRow(number))]);
    await fill(from, to);
    expect((await to.find("operation")).map(({ id }) => id)).toEqual(["new"]);
    expect(await to.find("work_item")).toEqual([]);
  });

  it("is refused when somebody else wrote into the target, or into what it was made of", async () => {
    const from = createMemoryGateway();
    await from.commit([insert("work_item", itemRow(1))]);
    const to = await target();
    async function* disturbed() {
      yield* readPages(from);
      await to.commit([insert("work_item", itemRow(2))]);
    }
    await expect(fillSchema({ target: to, mark: MARK, pages: disturbed() })).rejects.toMatchObject({
      code: "COPY_DIFFERS",
      message: expect.stringMatching(/^work_item holds 1 rows, its copy 2/),
    });
    const sums = await fill(from, to);
    await from.commit([{ kind: "update", table: "work_item", where: {}, set: { summary: "other" }, expect: 1 }]);
    await expect(requireUnchanged(from, sums)).rejects.toMatchObject({
      message: expect.stringContaining("its copy 1 that differ"),
    });
  });

  it("is written by one attempt: another that takes over stops the first", async () => {
    const from = createMemoryGateway();
    await from.commit([
      insert("work_item", itemRow(1)),
      insert("work_queue", { queue_name: "q", definition: "{}", row_version: 1 }),
    ]);
    const to = await target();
    const second: Mark = { ...MARK, moveId: "move-2" };
    async function* overtaken() {
      for await (const page of readPages(from)) {
        if (page.table === "work_item") await to.commit([setMark(MARK, second)]);
        yield page;
      }
    }
    await expect(fillSchema({ target: to, mark: MARK, pages: overtaken() })).rejects.toMatchObject({
      code: "STORE_CONFLICT",
      index: 0,
    });
    await fill(from, to, second);
    expect(await readMark(to)).toEqual(second);
  });
});

describe("the sum of a table", () => {
  it("tells every value, and null from all of them", async () => {
    const digests = new Set<string>();
    const variants: readonly Partial<Row<"work_item">>[] = [
      {},
      { locked_by: "null" },
      { locked_by: "-" },
      { assigned_to: "-" },
      { deadline: NOON },
      { last_seen: new Date(NOON.getTime() + 1) },
      { occurrences: 2 },
      { escalated: true },
    ];
    for (const over of variants) {
      const gateway = createMemoryGateway();
      await gateway.commit([insert("work_item", itemRow(1, over))]);
      digests.add((await sumOf(gateway, "work_item")).digest);
    }
    expect(digests.size).toBe(variants.length);
  });
});

describe("whether a schema counts", () => {
  it("is said by its mark, in words that name the other place and what to do", async () => {
    const gateway = createMemoryGateway();
    expect(await readMark(gateway)).toBeNull();
    requireCounting("sqlite:a", null);
    let before: Mark | null = null;
    for (const [state, words] of [
      ["leaving", /is being moved to postgres:\/\/db.*--cancel/],
      ["left", /is not the schema of its node any more: that is postgres:\/\/db\/x now/],
      ["filling", /is an unfinished copy of postgres:\/\/db/],
    ] as const) {
      const mark: Mark = { moveId: "m", state, other: "postgres://db/x", changedAt: NOON };
      await gateway.commit([setMark(before, mark)]);
      before = await readMark(gateway);
      expect(before).toEqual(mark);
      expect(() => requireCounting("sqlite:a", before)).toThrow(words);
    }
    await expect(gateway.commit([takeMarkAway({ ...MARK, moveId: "another" })])).rejects.toMatchObject({
      code: "STORE_CONFLICT",
    });
    if (before !== null) await gateway.commit([takeMarkAway(before)]);
    expect(await readMark(gateway)).toBeNull();
  });

  it("is asked of a schema that holds no node with nothing but what is made with it", async () => {
    const gateway = createMemoryGateway();
    expect(await firstInUse(gateway)).toBeNull();
    await gateway.commit([setMark(null, MARK)]);
    expect(await firstInUse(gateway)).toBeNull();
    await gateway.commit([insert("work_queue", { queue_name: "q", definition: "{}", row_version: 1 })]);
    expect(await firstInUse(gateway)).toBe("work_queue");
  });
});

it("leaves out no table but the mark itself", () => {
  expect(TABLE_NAMES.filter((name) => !COPIED_TABLES.includes(name))).toEqual(["schema_move"]);
  expect(TABLE_NAMES).toHaveLength(Object.keys(tables).length);
});
