/** SQLite: flags are 0 and 1, times are UTC text to the millisecond, which people can read and which sorts. */
import { systemCode } from "@castellan/kernel";
import type { Column } from "../../schema/columns.ts";
import { ALIKE, decodeValue, encodeValue } from "./alike.ts";
import type { ColumnWords, Dialect, Fault } from "./dialect.ts";

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
  ...ALIKE,
  name: "sqlite",
  columnWords: wordsOf,
  offline: { type: "better-sqlite3", database: ":memory:" },
  placeholder: () => "?",
  batchPlaceholder: () => "?",
  order: (column, descending) => `${column} ${descending ? "DESC" : "ASC"}`,
  limitedDelete: (table, selection, limit) =>
    `DELETE FROM ${table} WHERE rowid IN (SELECT rowid FROM ${table}${selection} LIMIT ${limit})`,
  encode: (value) => encodeValue(value, (time) => time.toISOString().replace("T", " ").slice(0, -1)),
  decode: (column, raw) =>
    decodeValue(column, raw, (text) => (typeof text === "string" ? new Date(`${text.replace(" ", "T")}Z`) : undefined)),
  classify,
  aboutServer: "SELECT 'SQLite ' || sqlite_version() AS server, NULL AS now_ms",
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

function classify(thrown: unknown): Fault {
  const code = systemCode(thrown) ?? "";
  if (code === "SQLITE_CONSTRAINT_UNIQUE" || code === "SQLITE_CONSTRAINT_PRIMARYKEY") return { kind: "duplicate" };
  if (code === "SQLITE_CONSTRAINT_FOREIGNKEY") return { kind: "reference" };
  if (code.startsWith("SQLITE_BUSY") || code.startsWith("SQLITE_LOCKED")) return { kind: "busy" };
  const remedy = REMEDIES[code.split("_").slice(0, 2).join("_")];
  if (remedy !== undefined) return { kind: "unavailable", remedy, passing: false };
  // better-sqlite3 looks before SQLite does, and has no code for it.
  if (thrown instanceof TypeError && thrown.message.includes("directory does not exist")) {
    return { kind: "unavailable", remedy: REMEDIES["SQLITE_CANTOPEN"] ?? "", passing: false };
  }
  if (code === "SQLITE_ERROR" && thrown instanceof Error && /no such|has no column/.test(thrown.message)) {
    return { kind: "schema" };
  }
  return { kind: "defect" };
}
