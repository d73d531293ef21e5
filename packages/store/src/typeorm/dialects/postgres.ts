/**
 * PostgreSQL. A commit is one call of a function in the schema, so one round trip: a frozen program can hold no lock, for it
 * never has a transaction open.
 */
import type { Column } from "../../schema/columns.ts";
import { ALIKE, decodeValue, encodeValue } from "./alike.ts";
import type { ColumnWords, Dialect } from "./dialect.ts";
import { classify } from "./postgres-faults.ts";

/** What the function raises when a guard misses; the hint of every error it raises is the position of the statement. */
export const GUARD_MISSED = "CS001";

/**
 * Each statement finds its parameters in $1, a JSON array. Only integrity errors are caught, to say which statement met
 * them. It runs with the caller's rights, so it allows nothing that the caller could not do statement by statement.
 */
const COMMIT_FUNCTION = `CREATE FUNCTION castellan_commit(batch jsonb) RETURNS bigint[] LANGUAGE plpgsql AS $castellan$
DECLARE
  step jsonb;
  reached int := 0;
  touched bigint;
  counts bigint[] := '{}';
BEGIN
  WHILE reached < jsonb_array_length(batch) LOOP
    step := batch -> reached;
    EXECUTE step ->> 'sql' USING step -> 'params';
    GET DIAGNOSTICS touched = ROW_COUNT;
    IF (step ->> 'expect')::bigint <> touched THEN
      RAISE EXCEPTION USING ERRCODE = '${GUARD_MISSED}', MESSAGE = 'a guard missed', HINT = reached::text;
    END IF;
    counts := counts || touched;
    reached := reached + 1;
  END LOOP;
  RETURN counts;
EXCEPTION WHEN integrity_constraint_violation THEN
  RAISE EXCEPTION USING ERRCODE = SQLSTATE, MESSAGE = SQLERRM, HINT = reached::text;
END $castellan$`;

/** One number per database: only one migration at a time gets it. */
const MIGRATION_LOCK = 0x6361_7374;

export const postgres: Dialect = {
  ...ALIKE,
  name: "postgres",
  columnWords: wordsOf,
  offline: { type: "postgres", installExtensions: false },
  placeholder: (position) => `$${position + 1}`,
  batchPlaceholder: (position, column) => `($1->>${position})::${CASTS[column.kind]}`,
  order: (column, descending) => `${column} ${descending ? "DESC NULLS LAST" : "ASC NULLS FIRST"}`,
  // An array, so that the rows are fetched by their places; a plain IN may read the whole table.
  limitedDelete: (table, selection, limit) =>
    `DELETE FROM ${table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM ${table}${selection} LIMIT ${limit}))`,
  encode: (value) => encodeValue(value, (time) => time.toISOString()),
  decode: (column, raw) => decodeValue(column, raw, (time) => (time instanceof Date ? time : undefined)),
  classify,
  aboutServer: `SELECT 'PostgreSQL ' || split_part(current_setting('server_version'), ' ', 1) AS server,
    extract(epoch FROM clock_timestamp()) * 1000 AS now_ms`,
  versionTableExists: "SELECT 1 AS found WHERE to_regclass('schema_version') IS NOT NULL",
  beginMigration: ["BEGIN", "SET LOCAL lock_timeout = '10s'", `SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`],
  routines: [COMMIT_FUNCTION],
  dropRoutines: ["DROP FUNCTION IF EXISTS castellan_commit(jsonb)"],
};

const CASTS: Readonly<Record<Column["kind"], string>> = {
  string: "text",
  text: "text",
  int: "int",
  bigint: "bigint",
  flag: "smallint",
  time: "timestamptz",
};

function wordsOf(column: Column): ColumnWords {
  switch (column.kind) {
    case "string":
      // "C": strings sort and compare by their bytes, as on every other database and in memory.
      return { type: "varchar", length: String(column.length), collation: "C" };
    case "text":
      return { type: "text" };
    case "int":
      return { type: "integer" };
    case "bigint":
      return { type: "bigint" };
    case "flag":
      // Not boolean: the documented statements say `master = 1`.
      return { type: "smallint" };
    case "time":
      return { type: "timestamptz", precision: 3 };
  }
}
