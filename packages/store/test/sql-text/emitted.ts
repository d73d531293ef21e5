/**
 * Every text of SQL that this program sends to a database of one dialect, made without one: the migrations, and each kind of
 * read and write over each table and column of the design. A table that is added is in here by itself.
 */
import { checkQuery, checkWrite } from "../../src/schema/checked.ts";
import type { Column, Shape } from "../../src/schema/columns.ts";
import { type TableName, tables } from "../../src/schema/tables.ts";
import type { Value } from "../../src/schema/values.ts";
import type { Dialect } from "../../src/typeorm/dialects/dialect.ts";
import { scriptWords } from "../../src/typeorm/dialects/script.ts";
import { renderQuery, renderWrite } from "../../src/typeorm/statements.ts";
import { recordOf, stepsFrom } from "../../src/typeorm/steps.ts";
import { readVersion } from "../../src/typeorm/version.ts";
import { ENVELOPES } from "./envelopes.ts";

export interface Emitted {
  /** Where it comes from: `read work_item`. */
  readonly from: string;
  readonly sql: string;
  /** Parameters that are sent along, one by one. */
  readonly parameters: number;
}

const fixed = (from: string, ...texts: readonly string[]): Emitted[] =>
  texts.map((sql) => ({ from, sql, parameters: 0 }));

export async function emittedBy(dialect: Dialect): Promise<Emitted[]> {
  const steps = await stepsFrom(dialect, 0);
  const { now } = scriptWords[dialect.name];
  const looks: string[] = [];
  await readVersion(dialect, {
    async read({ sql }) {
      looks.push(sql);
      return [{ version: 1 }];
    },
  });
  return [
    ...fixed("lock of a migration", ...dialect.beginMigration),
    ...steps.flatMap((step) => fixed(`migration ${step.version}`, ...step.statements, recordOf(dialect, step, now))),
    ...fixed("version of the schema", ...looks),
    ...fixed("survey", dialect.aboutServer),
    ...fixed("around reads and commits", ...ENVELOPES[dialect.name]),
    longRead(dialect),
    ...Object.keys(tables)
      .filter(isTable)
      .flatMap((name) => [...readsOf(dialect, name), ...writesOf(dialect, name)]),
  ];
}

const isTable = (name: string): name is TableName => Object.hasOwn(tables, name);

function readsOf(dialect: Dialect, name: TableName): Emitted[] {
  const { columns }: Shape = tables[name];
  const wheres: Record<string, unknown>[] = [{}];
  for (const [column, about] of Object.entries(columns)) {
    if (about.kind === "text") continue;
    const value = valueOf(about);
    const conditions: unknown[] = [value, { not: value }, { in: [value, value] }, { below: value }, { above: value }];
    if (about.nullable) conditions.push(null, { not: null });
    wheres.push(...conditions.map((condition) => ({ [column]: condition })));
  }
  const first = Object.keys(columns)[0] ?? "";
  const queries = [
    ...wheres.map((where) => ({ where })),
    ...wheres.slice(0, 3).map((where) => ({ where, limit: 10 })),
    ...[0, 20].map((skip) => ({ orderBy: [{ column: first, descending: true }], limit: 10, skip })),
  ];
  return queries.map((query) => {
    const { sql, params } = renderQuery(dialect, checkQuery(name, query));
    return { from: `read ${name}`, sql, parameters: params.length };
  });
}

/** A list that has to be split. */
function longRead(dialect: Dialect): Emitted {
  const cases = Array.from({ length: 1_201 }, (_, at) => at);
  const { sql, params } = renderQuery(dialect, checkQuery("work_item", { where: { case_number: { in: cases } } }));
  return { from: "read work_item by a long list", sql, parameters: params.length };
}

function writesOf(dialect: Dialect, name: TableName): Emitted[] {
  const { columns, primaryKey, indexes }: Shape = tables[name];
  const row = Object.fromEntries(Object.entries(columns).map(([column, about]) => [column, valueOf(about)]));
  const empty = Object.fromEntries(
    Object.entries(columns).map(([column, about]) => [column, about.nullable ? null : valueOf(about)]),
  );
  const where = Object.fromEntries(primaryKey.columns.map((column) => [column, row[column]]));
  const free = Object.keys(columns).filter((column) => !primaryKey.columns.includes(column));
  const isUnique = (column: string): boolean => indexes.some((one) => one.unique && one.columns.includes(column));
  const counted = free.filter((column) => /int/.test(columns[column]?.kind ?? "") && !isUnique(column));
  const set = Object.fromEntries(free.map((column) => [column, row[column]]));
  const added = Object.fromEntries(counted.map((column) => [column, { add: 1 }]));
  const updates = [set, added].filter((one) => Object.keys(one).length > 0);
  const writes = [
    ...[row, empty].flatMap((one) => [
      { kind: "insert" as const, table: name, row: one },
      { kind: "insertIfAbsent" as const, table: name, row: one },
    ]),
    ...updates.map((one) => ({ kind: "update" as const, table: name, where, set: one, expect: 1 })),
    { kind: "delete" as const, table: name, where, expect: "any" as const },
    { kind: "delete" as const, table: name, where, expect: "any" as const, limit: 500 },
  ];
  return writes.map((write) => {
    const { sql } = renderWrite(dialect, checkWrite(write));
    // The parameters of a commit travel as one.
    return { from: `${write.kind} ${name}`, sql, parameters: 1 };
  });
}

function valueOf({ kind }: Column): Value {
  switch (kind) {
    case "string":
    case "text":
      return "x";
    case "int":
    case "bigint":
      return 1;
    case "flag":
      return true;
    case "time":
      return new Date(0);
  }
}
