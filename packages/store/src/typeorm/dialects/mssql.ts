/** SQL Server 2016 and later (compatibility level 130: `OPENJSON`), and Azure SQL. */
import type { Column, Index, Shape } from "../../schema/columns.ts";
import type { Value } from "../../schema/values.ts";
import { decodeValue, encodeValue, PLAIN } from "./alike.ts";
import type { ColumnWords, Dialect, InsertText } from "./dialect.ts";
import { classify } from "./mssql-faults.ts";

/** Strings compare and sort by their code units, whatever the database's own collation is. */
const COLLATION = "Latin1_General_100_BIN2";

/**
 * SQL Server compares strings as if the shorter one had blanks at its end, in keys too. A string that ends with a blank is
 * kept with this character after it (a word joiner, which nothing shows), so that "a" and "a " are two as everywhere.
 */
const END_MARK = "\u2060";
const NEEDS_MARK = /[ \u2060]$/;

/** Only one migration at a time gets it. */
const MIGRATION_LOCK = "castellan migration";

/** It had the lock for ten seconds: it works, or its program stands still, and the server does not end that by itself. */
const MIGRATION_UNDER_WAY =
  "another migration is under way for longer than 10 s: wait for it; if its program stands still, end that program, or its session (castellan migration in sys.dm_exec_sessions) with KILL";

const quote = (name: string): string => `"${name}"`;

export const mssql: Dialect = {
  ...PLAIN,
  name: "mssql",
  offline: { type: "mssql", host: "none" },
  columnWords: wordsOf,
  quote,
  placeholder: (position, column) =>
    column?.kind === "time" ? `CAST(@${position} AS ${typeOf(column)})` : `@${position}`,
  batchPlaceholder: (position, column) =>
    column.kind === "text"
      ? // JSON_VALUE gives no more than 4,000 characters.
        `(SELECT [value] FROM OPENJSON(@p) WHERE [key] = N'${position}')`
      : `CAST(JSON_VALUE(@p, '$[${position}]') AS ${typeOf(column)})`,
  insertIfAbsent,
  order: (column, descending) => `${column} ${descending ? "DESC" : "ASC"}`,
  limited: (select, limit, skip) =>
    // FETCH takes no zero.
    skip === 0 || limit === 0
      ? select.replace(/^SELECT /, `SELECT TOP (${limit}) `)
      : `${select} OFFSET ${skip} ROWS FETCH NEXT ${limit} ROWS ONLY`,
  limitedDelete: (table, selection, limit) =>
    `WITH "doomed" AS (SELECT TOP (${limit}) * FROM ${table}${selection}) DELETE FROM "doomed"`,
  encode: (value) =>
    encodeValue(typeof value === "string" ? marked(value) : value, (time) => time.toISOString().slice(0, -1)),
  decode: (column, raw) => unmarked(decodeValue(column, raw, (time) => (time instanceof Date ? time : undefined))),
  classify,
  aboutServer: `SELECT 'SQL Server ' + CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(40)) AS server,
    DATEDIFF_BIG(millisecond, '1970-01-01', SYSUTCDATETIME()) AS now_ms`,
  versionTableExists:
    "SELECT 1 AS found FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = SCHEMA_NAME() AND TABLE_NAME = 'schema_version'",
  beginMigration: [
    `SET XACT_ABORT ON;
DECLARE @granted int;
EXEC @granted = sp_getapplock @Resource = N'${MIGRATION_LOCK}', @LockMode = N'Exclusive', @LockOwner = N'Transaction', @LockTimeout = 10000;
IF @granted < 0 THROW 50003, N'${MIGRATION_UNDER_WAY}', 1;`,
  ],
  routines: [],
};

const marked = (text: string): string => (NEEDS_MARK.test(text) ? `${text}${END_MARK}` : text);

function unmarked(value: Value): Value {
  return typeof value === "string" && value.endsWith(END_MARK) ? value.slice(0, -END_MARK.length) : value;
}

/**
 * The locks are held to the end of the transaction, so nobody can put such a row there meanwhile. One condition per key: each
 * finds its index.
 */
function insertIfAbsent({ table, values }: InsertText): string {
  const keys = [table.primaryKey, ...table.indexes.filter(({ unique }) => unique)];
  const absent = keys.map(
    (key) =>
      `NOT EXISTS (SELECT 1 FROM ${quote(table.name)} WITH (UPDLOCK, HOLDLOCK) WHERE ${sameKey(table, key, values)})`,
  );
  const names = [...values.keys()].map(quote);
  return `INSERT INTO ${quote(table.name)} (${names.join(", ")}) SELECT ${[...values.values()].join(", ")} WHERE ${absent.join(" AND ")}`;
}

function sameKey(
  table: Shape,
  { columns, onlyWhere }: Pick<Index, "columns" | "onlyWhere">,
  values: InsertText["values"],
): string {
  const same = columns.map((name) => `${quote(name)} = ${values.get(name) ?? "NULL"}`);
  // As the filtered index has it: rows outside of it are nobody's double.
  if (onlyWhere !== undefined && table.columns[onlyWhere]?.kind === "flag") same.push(`${quote(onlyWhere)} = 1`);
  return same.join(" AND ");
}

function wordsOf(column: Column): ColumnWords {
  switch (column.kind) {
    case "string":
      return { type: "nvarchar", length: String(roomOf(column)), collation: COLLATION };
    case "text":
      return { type: "nvarchar", length: "MAX" };
    case "int":
      return { type: "int" };
    case "bigint":
      return { type: "bigint" };
    case "flag":
      // Not bit: the documented statements count and add these columns.
      return { type: "smallint" };
    case "time":
      return { type: "datetime2", precision: 3 };
  }
}

/** Room for the mark at the end. */
function roomOf({ length = 0 }: Column): number {
  return length + END_MARK.length;
}

/** The same as SQL text. */
function typeOf(column: Column): string {
  const { type, length, precision } = wordsOf(column);
  const size = length ?? precision;
  return size === undefined ? type : `${type}(${size})`;
}
