/** Every statement of every dialect through that database's grammar, which must also refuse what is none of it. */

import { testRun } from "@castellan/testkit";
import Database from "better-sqlite3";
import { beforeAll, describe, expect, it } from "vitest";
import { dialects } from "../src/typeorm/dialects/all.ts";
import { emittedBy } from "./sql-text/emitted.ts";
import { type Grammared, grammars, type Parses } from "./sql-text/grammar.ts";
import { shapesOf } from "./sql-text/shapes.ts";

/** Of another database, or of none. */
const WRONG: Readonly<Record<Grammared, readonly string[]>> = {
  postgres: [
    'SELECT TOP 1 "a" FROM "t"',
    'SELECT "a" FROM "t" WHERE ROWNUM <= :1 CONNECT BY "a"',
    'INSERT OR IGNORE INTO "t" ("a") VALUES ($1)',
    'SELECT "a" FROM "t" WITH (UPDLOCK, HOLDLOCK) WHERE "a" = @0',
    'UPDATE "t" SET "a" = $1 WHERE',
    'CREATE TABLE "t" ("a" int NOT NULL CONSTRAINT)',
    'INSERT INTO "t" ("a" VALUES ($1)',
  ],
  mssql: [
    'SELECT "a" FROM "t" LIMIT 3 OFFSET 1',
    'INSERT INTO "t" ("a") VALUES (@0) ON CONFLICT DO NOTHING',
    'SELECT "a" FROM "t" WHERE "a" = @0 FOR UPDATE SKIP LOCKED',
    'SELECT "a" FROM "t" ORDER BY "a" ASC NULLS FIRST',
    'SELECT "a" FROM "t" WHERE "a" = $1::bigint',
    'INSERT OR IGNORE INTO "t" ("a") VALUES (@0)',
    'UPDATE "t" SET "a" = @0 WHERE',
    'UPDATE "t" SET "a" = @0 WHERE "b" = @1 RETURNING "a"',
  ],
  oracle: [
    'SELECT "A" FROM "T" LIMIT 3 OFFSET 1',
    'SELECT TOP 1 "A" FROM "T"',
    'INSERT INTO "T" ("A") VALUES (:1) ON CONFLICT DO NOTHING',
    'SELECT "A" FROM "T" WITH (UPDLOCK, HOLDLOCK) WHERE "A" = :1',
    'SELECT "A" FROM "T" WHERE "A" = :1::bigint',
    'UPDATE "T" SET "A" = :1 WHERE',
    'INSERT OR IGNORE INTO "T" ("A") VALUES (:1)',
    'CREATE TABLE "T" ("A" NUMBER(10) NOT NULL CONSTRAINT)',
  ],
};

for (const dialect of dialects) {
  if (dialect.name === "sqlite") continue;
  const { name } = dialect;
  // The server itself prepares PostgreSQL's: `schema-script.int.test.ts`.
  const isLong = name === "postgres" && !testRun().isLong;
  describe.skipIf(isLong)(`the grammar of ${name}${isLong ? " (skipped: set CASTELLAN_LONG to run it)" : ""}`, () => {
    let parses: Parses;
    beforeAll(async () => {
      parses = await grammars[name]();
    });

    it("accepts every statement that is sent", async () => {
      const emitted = await emittedBy(dialect);
      const shapes = shapesOf(emitted.map(({ sql }) => sql));
      // Fewer would mean that statements of different kinds are taken for one.
      expect(shapes.length).toBeGreaterThan(40);
      const refused = shapes.flatMap((sql) => {
        const complaint = parses(sql);
        return complaint === null ? [] : [`${complaint}: ${sql.slice(0, 400)}`];
      });
      expect(refused).toEqual([]);
    });

    it.each(WRONG[name])("refuses %s", (sql) => {
      expect(parses(sql)).not.toBeNull();
    });
  });
}

/** What makes the schema must be run before anything else can be prepared. */
const runs = (from: string): boolean => /^(migration|lock)/.test(from);

describe("SQLite itself", () => {
  it("accepts every statement that is sent, on the schema they are for", async () => {
    const database = new Database(":memory:");
    const sqlite = dialects.filter(({ name }) => name === "sqlite");
    expect(sqlite.length).toBe(1);
    for (const dialect of sqlite) {
      const emitted = await emittedBy(dialect);
      for (const { sql } of emitted.filter(({ from }) => runs(from))) database.exec(sql);
      for (const { from, sql } of emitted.filter((one) => !runs(one.from))) {
        expect(() => database.prepare(sql), from).not.toThrow();
      }
    }
    expect(() => database.prepare('SELECT "a" FROM "t" WHERE')).toThrow(/incomplete input/);
    database.close();
  });
});
