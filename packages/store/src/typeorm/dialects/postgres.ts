/**
 * PostgreSQL. A commit is one call of a function in the schema, so one round trip: a frozen program can hold no lock, for it
 * never has a transaction open.
 */
import { systemCode } from "@castellan/kernel";
import type { Column } from "../../schema/columns.ts";
import type { Value } from "../../schema/values.ts";
import { type ColumnWords, type Dialect, type Fault, undecodable } from "./dialect.ts";

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
  name: "postgres",
  columnWords: wordsOf,
  quote: (name) => `"${name}"`,
  placeholder: (position) => `$${position + 1}`,
  batchPlaceholder: (position, column) => `($1->>${position})::${CASTS[column.kind]}`,
  insertIfAbsent: (insert) => `${insert} ON CONFLICT DO NOTHING`,
  order: (column, descending) => `${column} ${descending ? "DESC NULLS LAST" : "ASC NULLS FIRST"}`,
  limited: (select, limit) => `${select} LIMIT ${limit}`,
  encode,
  decode,
  classify,
  versionTableExists: "SELECT 1 AS found WHERE to_regclass('schema_version') IS NOT NULL",
  beginMigration: ["BEGIN", "SET LOCAL lock_timeout = '10s'", `SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`],
  routines: [COMMIT_FUNCTION],
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

function encode(value: Value): string | number | null {
  if (value instanceof Date) return value.toISOString();
  return typeof value === "boolean" ? Number(value) : value;
}

function decode(column: Column, raw: unknown): Value {
  if (raw === null) return null;
  switch (column.kind) {
    case "string":
    case "text":
      if (typeof raw === "string") return raw;
      break;
    case "int":
    case "bigint":
      // The driver gives 64-bit numbers as text.
      if (typeof raw === "number" || typeof raw === "string") return Number(raw);
      break;
    case "flag":
      if (typeof raw === "number") return raw !== 0;
      break;
    case "time":
      if (raw instanceof Date) return raw;
      break;
  }
  throw undecodable(column, raw);
}

const KINDS: ReadonlyMap<string, Fault["kind"]> = new Map([
  ["23505", "duplicate"],
  ["23503", "reference"],
  ["40001", "busy"],
  ["40P01", "busy"],
  ["55P03", "busy"],
  ["53300", "busy"],
  ["42P01", "schema"],
  ["42703", "schema"],
  ["42883", "schema"],
  ["3F000", "schema"],
]);

/** By SQLSTATE, or its class of two characters. */
const REMEDIES: ReadonlyMap<string, string> = new Map([
  ["08", "the connection was lost: check the network and the server"],
  ["57", "the server is going down, starting, or cancelled the statement for taking too long"],
  ["53", "the server lacks disk, memory or connections"],
  ["58", "the server's disk failed: look into its log"],
  ["25006", "this server is read-only: connect to the primary"],
  ["28", "the server refuses the user: check the user and the password file"],
  ["3D", "there is no such database: create it, or check the database URL"],
  ["42501", "the user lacks a privilege: grant it"],
]);

function classify(thrown: unknown): Fault {
  const code = systemCode(thrown) ?? "";
  const kind = KINDS.get(code);
  if (kind !== undefined && kind !== "unavailable") return { kind };
  const remedy = REMEDIES.get(code) ?? REMEDIES.get(code.slice(0, 2));
  if (remedy !== undefined) return { kind: "unavailable", remedy };
  if (thrown instanceof Error && isConnectionTrouble(code, thrown.message)) {
    return { kind: "unavailable", remedy: "check that the server runs and can be reached" };
  }
  return { kind: "defect" };
}

/** The system's code, or the driver's words: an error of the server has a SQLSTATE, which begins with no E. */
function isConnectionTrouble(code: string, message: string): boolean {
  return /^E[A-Z_]+$/.test(code) || (code === "" && /connect|terminat|timeout|not queryable/i.test(message));
}
