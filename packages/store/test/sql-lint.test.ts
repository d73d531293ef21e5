/** Every statement of every dialect against our own rules, and every rule against a statement that it must refuse. */
import { describe, expect, it } from "vitest";
import { dialects } from "../src/typeorm/dialects/all.ts";
import type { Dialect } from "../src/typeorm/dialects/dialect.ts";
import { type Emitted, emittedBy } from "./sql-text/emitted.ts";
import { complaintsAbout, RULES } from "./sql-text/lint.ts";

const text = (sql: string, parameters = 0): Emitted => ({ from: "planted", sql, parameters });

describe.each(dialects)("what is sent to $name", (dialect) => {
  it("breaks no rule", async () => {
    const emitted = await emittedBy(dialect);
    // Twenty tables and more, each with every kind of read and write.
    expect(emitted.length).toBeGreaterThan(800);
    expect(emitted.flatMap((statement) => complaintsAbout(dialect.name, statement))).toEqual([]);
  });
});

const PLANTED: readonly (readonly [rule: string, dialect: Dialect["name"], statement: Emitted])[] = [
  ["fetch-for-update", "oracle", text('SELECT "A" FROM "T" FETCH NEXT 1 ROWS ONLY FOR UPDATE')],
  ["fetch-for-update", "oracle", text('SELECT "A" FROM "T" fetch first 1 rows only for update skip locked')],
  [
    "merge",
    "oracle",
    text(
      'MERGE INTO "T" t USING (SELECT 1 AS "A" FROM DUAL) s ON (t."A" = s."A") WHEN NOT MATCHED THEN INSERT ("A") VALUES (1)',
    ),
  ],
  [
    "merge",
    "mssql",
    text('merge "t" as t using (select 1 as a) as s on t.a = s.a when not matched then insert (a) values (1);'),
  ],
  ["old-type", "mssql", text('CREATE TABLE "t" ("a" ntext NULL)')],
  ["old-type", "mssql", text('CREATE TABLE "t" ("a" datetime NOT NULL)')],
  ["old-type", "oracle", text('CREATE TABLE "T" ("A" timestamp NOT NULL)')],
  ["bytes-not-characters", "oracle", text('CREATE TABLE "T" ("A" varchar2(64) NOT NULL)')],
  ["text-of-one-language", "mssql", text('CREATE TABLE "t" ("a" varchar(64) NOT NULL)')],
  ["returning-into", "oracle", text('INSERT INTO "T" ("A") VALUES (:1) RETURNING "A" INTO :2')],
  ["select-star", "postgres", text('SELECT * FROM "t" WHERE "a" = 1')],
  ["select-star", "mssql", text('SELECT TOP (5) t.* FROM "t" AS t')],
  ["whole-table", "sqlite", text('UPDATE "t" SET "a" = 1')],
  ["whole-table", "postgres", text('DELETE FROM "t" -- WHERE "a" = 1')],
  ["name", "oracle", text('SELECT "A_NAME_THAT_IS_LONGER_THAN_THIRTY" FROM "T"')],
  ["name", "postgres", text('SELECT "number" FROM "t"')],
  ["parameters", "mssql", text('SELECT "a" FROM "t" WHERE "a" = @0', 2_101)],
  [
    "list",
    "oracle",
    text(`SELECT "A" FROM "T" WHERE "A" IN (${Array.from({ length: 1_001 }, (_, at) => `:b${at}`).join(", ")})`),
  ],
];

describe("a rule", () => {
  it.each(PLANTED)("%s refuses, on %s, what breaks it: %s", (rule, dialect, statement) => {
    expect(complaintsAbout(dialect, statement)).toEqual([expect.stringContaining(`${rule}: `)]);
  });

  it("of each name was seen to refuse something", () => {
    expect(new Set(PLANTED.map(([rule]) => rule))).toEqual(new Set(RULES.map(({ name }) => name)));
  });

  it("does not look into literals and comments", () => {
    expect(complaintsAbout("mssql", text(`SELECT 'MERGE INTO t', "a" FROM "t" -- SELECT * FROM "t"`))).toEqual([]);
  });
});
