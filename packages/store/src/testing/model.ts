/**
 * Random commits, on a database and on the twin: the same answers, the same refusals, the same rows afterwards.
 *
 * Keys come from a few values, so that rows meet: about half of the commits are refused for one reason or another.
 */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Gateway, insert, insertIfAbsent, prune, remove, update, type Write } from "../gateway.ts";
import { createMemoryGateway } from "../memory/gateway.ts";
import type { TestDatabase } from "./conformance.ts";
import { itemRow, operationRow, serverRow, stepRow } from "./rows.ts";

const key = fc.integer({ min: 1, max: 4 });
const operationId = fc.constantFrom("a", "b", "c");
const cause = fc.constantFrom(null, "", "disk", "Disk");
const expectation = fc.constantFrom(0, 1, 1, 2, "any" as const, "any" as const, "any" as const);
const inserting = fc.constantFrom(insert, insertIfAbsent);

const write: fc.Arbitrary<Write> = fc.oneof(
  fc
    .tuple(inserting, key, key, fc.boolean())
    .map(([put, id, name, master]) =>
      put("node_cluster", serverRow(id, { physical_machine_name: `s${name}`, master })),
    ),
  fc
    .tuple(inserting, operationId, operationId)
    .map(([put, id, request]) => put("operation", operationRow(id, { request_id: request }))),
  fc
    .tuple(inserting, operationId, operationId, key)
    .map(([put, id, operation, seq]) => put("operation_step", stepRow(id, operation, seq))),
  fc.tuple(inserting, key, cause).map(([put, id, open]) => put("work_item", itemRow(id, { open_cause: open }))),
  fc
    .tuple(key, fc.boolean(), expectation)
    .map(([id, master, expects]) => update("node_cluster", { logical_machine_id: id }, { master }, expects)),
  fc
    .tuple(key, key, expectation)
    .map(([from, to, expects]) =>
      update("node_cluster", { physical_machine_name: `s${from}` }, { physical_machine_name: `s${to}` }, expects),
    ),
  fc
    .tuple(cause, cause, expectation)
    .map(([from, to, expects]) =>
      update("work_item", { open_cause: from }, { open_cause: to, occurrences: { add: 1 } }, expects),
    ),
  fc
    .tuple(cause, key, expectation)
    .map(([not, below, expects]) =>
      update(
        "work_item",
        { open_cause: { not }, case_number: { below } },
        { escalated: true, row_version: { add: -1 } },
        expects,
      ),
    ),
  fc
    .tuple(operationId, operationId, expectation)
    .map(([from, to, expects]) => update("operation_step", { operation_id: from }, { operation_id: to }, expects)),
  fc
    .tuple(fc.array(operationId, { maxLength: 2 }), expectation)
    .map(([ids, expects]) => remove("operation", { id: { in: ids } }, expects)),
  fc.tuple(operationId, expectation).map(([above, expects]) => remove("operation_step", { id: { above } }, expects)),
  fc.tuple(cause, expectation).map(([open, expects]) => remove("work_item", { open_cause: open }, expects)),
  fc.tuple(key, fc.nat(3)).map(([above, limit]) => prune("work_item", { case_number: { above } }, limit)),
  fc.nat(2).map((limit) => prune("operation", {}, limit)),
);

const TOUCHED = ["operation_step", "operation", "node_cluster", "work_item"] as const;

/** Registers the test; a failure prints the seed and the path that replay it. */
export function describeModel(name: string, make: () => Promise<TestDatabase>, runs = 150): void {
  describe(`${name} against the twin`, () => {
    let database: TestDatabase;
    let gateway: Gateway;
    beforeAll(async () => {
      database = await make();
      gateway = await database.open();
    });
    afterAll(async () => {
      await database.remove();
    });

    it("gives the same answers to random commits", async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(write, { minLength: 1, maxLength: 4 }), { maxLength: 12 }),
          async (commits) => {
            await gateway.commit(TOUCHED.map((table) => remove(table, {})));
            const twin = createMemoryGateway();
            for (const writes of commits) expect(await outcome(gateway, writes)).toEqual(await outcome(twin, writes));
            for (const table of TOUCHED) expect(await gateway.find(table)).toEqual(await twin.find(table));
          },
        ),
        { numRuns: runs },
      );
    });
  });
}

/** The numbers of rows, or what the refusal says to a program. */
async function outcome(gateway: Gateway, writes: readonly Write[]): Promise<unknown> {
  try {
    return await gateway.commit(writes);
  } catch (thrown) {
    if (typeof thrown !== "object" || thrown === null || !("code" in thrown) || !("details" in thrown)) throw thrown;
    return { code: thrown.code, details: thrown.details };
  }
}
