/** SQLite: flags are 0 and 1, times are UTC text to the millisecond, which people can read and which sorts. */
import { systemCode } from "@castellan/kernel";
import type { Column } from "../../schema/columns.ts";
import type { Value } from "../../schema/values.ts";
import { type ColumnWords, type Dialect, type Fault, undecodable } from "./dialect.ts";

/** By the start of SQLite's extended result code. */
const REMEDIES: Readonly<Record<string, string>> = {
  SQLITE_FULL: "the disk is full: free some space on it",
  SQLITE_READONLY: "the file or its directory is read-only, or was moved: make it writable, or restart to open it anew",
  SQLITE_IOERR: "the disk failed a read or a write: check the file system and free space",
  SQLITE_CANTOPEN: "the file cannot be opened: its directory must exist and be writable",
  SQLITE_PERM: "access is denied: check owner and permissions",
  SQLITE_AUTH: "access is denied: check owner and permissions",
  SQLITE_NOMEM: "out of memory",
  SQLITE_CORRUPT: "the file is damaged: restore it from a backup",
  SQLITE_NOTADB: "the file is not a SQLite database: check the path",
  SQLITE_PROTOCOL: "the file's locks do not work: it must be on a local file system",
  SQLITE_NOLFS: "the file is too large for this file system",
};

export const sqlite: Dialect = {
  name: "sqlite",
  columnWords: wordsOf,
  quote: (name) => `"${name}"`,
  placeholder: () => "?",
  batchPlaceholder: () => "?",
  insertIfAbsent: (insert) => `${insert} ON CONFLICT DO NOTHING`,
  order: (column, descending) => `${column} ${descending ? "DESC" : "ASC"}`,
  limited: (select, limit) => `${select} LIMIT ${limit}`,
  encode,
  decode,
  classify,
  versionTableExists: "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'schema_version'",
  beginMigration: ["BEGIN EXCLUSIVE"],
  routines: [],
};

function wordsOf(column: Column): ColumnWords {
  switch (column.kind) {
    case "string":
      return { type: "varchar", length: String(column.length) };
    case "text":
      return { type: "text" };
    case "int":
    case "bigint":
      return { type: "integer" };
    case "flag":
      return { type: "smallint" };
    case "time":
      return { type: "datetime" };
  }
}

function encode(value: Value): string | number | null {
  if (value instanceof Date) return value.toISOString().replace("T", " ").slice(0, -1);
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
      if (typeof raw === "number") return raw;
      break;
    case "flag":
      if (typeof raw === "number") return raw !== 0;
      break;
    case "time":
      if (typeof raw === "string") return new Date(`${raw.replace(" ", "T")}Z`);
      break;
  }
  throw undecodable(column, raw);
}

function classify(thrown: unknown): Fault {
  const code = systemCode(thrown) ?? "";
  if (code === "SQLITE_CONSTRAINT_UNIQUE" || code === "SQLITE_CONSTRAINT_PRIMARYKEY") return { kind: "duplicate" };
  if (code === "SQLITE_CONSTRAINT_FOREIGNKEY") return { kind: "reference" };
  if (code.startsWith("SQLITE_BUSY") || code.startsWith("SQLITE_LOCKED")) return { kind: "busy" };
  const remedy = REMEDIES[code.split("_").slice(0, 2).join("_")];
  if (remedy !== undefined) return { kind: "unavailable", remedy };
  // better-sqlite3 looks before SQLite does, and has no code for it.
  if (thrown instanceof TypeError && thrown.message.includes("directory does not exist")) {
    return { kind: "unavailable", remedy: REMEDIES["SQLITE_CANTOPEN"] ?? "" };
  }
  if (code === "SQLITE_ERROR" && thrown instanceof Error && /no such|has no column/.test(thrown.message)) {
    return { kind: "schema" };
  }
  return { kind: "defect" };
}
