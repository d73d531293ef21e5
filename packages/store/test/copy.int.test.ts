/** A schema copied between real databases, there and back, and read at one moment while others write. */
import { createSystemClock, silentLogger, systemRng } from "@castellan/kernel";
import { type Gateway, insert, update, type Write } from "@castellan/store";
import {
  COPIED_TABLES,
  fillSchema,
  type Mark,
  readPages,
  requireUnchanged,
  type Sums,
  setMark,
} from "@castellan/store/copy";
import { openGateway, openSnapshot } from "@castellan/store/typeorm";
import { type Postgres, postgres, postgresBinaries } from "@castellan/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { extremeRow, itemRow, NOON, operationRow, stepRow } from "../src/testing/rows.ts";
import { sqliteFile } from "./files.ts";

const missing = postgresBinaries() === undefined ? " (skipped: install Debian's postgresql to run it)" : "";
const common = { clock: createSystemClock(), rng: systemRng, logger: silentLogger };

let cleanUp: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const step of cleanUp.reverse()) await step();
  cleanUp = [];
});

async function sqlite() {
  const file = await sqliteFile();
  cleanUp.push(() => file.remove());
  return { url: `sqlite:${file.path}`, gateway: await file.open({ evenIfMoved: true }) };
}

async function copied(from: Gateway, to: Gateway, moveId: string): Promise<Sums> {
  const mark: Mark = { moveId, state: "filling", other: "elsewhere", changedAt: NOON };
  await to.commit([setMark(null, mark)]);
  return await fillSchema({ target: to, mark, pages: readPages(from) });
}

/** More than a page of some tables, the extremes of all. */
async function fillWithMuch(gateway: Gateway): Promise<void> {
  await gateway.commit(COPIED_TABLES.map((table): Write => insert(table, extremeRow(table, "high"))));
  await gateway.commit(COPIED_TABLES.map((table): Write => insert(table, extremeRow(table, "low"))));
  await gateway.commit([insert("operation", operationRow("op"))]);
  const steps = Array.from({ length: 101 }, (_, seq) => insert("operation_step", stepRow(`s${seq}`, "op", seq)));
  await gateway.commit(steps);
  const items = Array.from({ length: 230 }, (_, at) => insert("work_item", itemRow(at + 10)));
  await gateway.commit(items);
}

describe.skipIf(missing !== "")(`a schema that is copied${missing}`, () => {
  let server: Postgres;
  beforeAll(async () => {
    server = await postgres();
  });
  afterAll(async () => {
    await server.stop();
  });

  it("is the same on PostgreSQL, and when it comes back", async () => {
    const from = await sqlite();
    await fillWithMuch(from.gateway);
    const there = await openGateway({ ...common, url: server.url, migrate: "ifEmpty", evenIfMoved: true });
    cleanUp.push(() => there.close());
    const sums = await copied(from.gateway, there, "there");
    expect(sums.get("work_item")?.rows).toBe(232);
    await requireUnchanged(there, sums);
    const back = await sqlite();
    expect(await copied(there, back.gateway, "back")).toEqual(sums);
    for (const table of COPIED_TABLES) expect(await back.gateway.find(table)).toEqual(await from.gateway.find(table));
  });

  it.each(["SQLite", "PostgreSQL"])("is read at one moment while others write: %s", async (name) => {
    const { url, gateway } = name === "SQLite" ? await sqlite() : await fresh();
    await gateway.commit([insert("work_item", itemRow(1)), insert("work_item", itemRow(2))]);
    const broken: unknown[] = [];
    const snapshot = await openSnapshot({ ...common, url, onBrokenValue: (value) => broken.push(value) });
    try {
      await gateway.commit([
        insert("work_item", itemRow(3)),
        update("work_item", { case_number: 1 }, { occurrences: 9 }),
      ]);
      expect(await gateway.find("work_item")).toHaveLength(3);
      const rows = await snapshot.find("work_item");
      expect(rows.map(({ case_number, occurrences }) => [case_number, occurrences])).toEqual([
        [1, 1],
        [2, 1],
      ]);
    } finally {
      await snapshot.close();
    }
    expect(broken).toEqual([]);
  });

  async function fresh() {
    const url = new URL(server.url);
    url.pathname = "snapshot";
    const { Client } = await import("pg");
    const client = new Client({ connectionString: server.url });
    await client.connect();
    await client.query("CREATE DATABASE snapshot");
    await client.end();
    const gateway = await openGateway({ ...common, url: url.href, migrate: "ifEmpty" });
    cleanUp.push(() => gateway.close());
    return { url: url.href, gateway };
  }
});
