/**
 * Oracle 12.2 and later. Names are in upper case in its catalogue, so that people need not quote them; an empty string is
 * null, as the schema has it everywhere (`values.ts`); what a commit is: `../oracle/commit-block.ts`.
 */
import type { Column, Index, Shape } from "../../schema/columns.ts";
import { CREATE_TICKETS, TICKET_TABLE } from "../oracle/commit-block.ts";
import { decodeValue, encodeValue } from "./alike.ts";
import type { ColumnWords, Dialect } from "./dialect.ts";
import { classify } from "./oracle-faults.ts";

const TIME_FORMAT = `YYYY-MM-DD"T"HH24:MI:SS.FF3TZH:TZM`;
const stored = (name: string): string => name.toUpperCase();
const quote = (name: string): string => `"${stored(name)}"`;

export const oracle: Dialect = {
  name: "oracle",
  offline: { type: "oracle", driver: {} },
  columnWords: wordsOf,
  stored,
  quote,
  placeholder: placeOf,
  batchPlaceholder: placeOf,
  // The block counts a key that exists as no row.
  insertIfAbsent: ({ sql }) => sql,
  order: (column, descending) => `${column} ${descending ? "DESC NULLS LAST" : "ASC NULLS FIRST"}`,
  limited: (select, limit, skip) => `${select} OFFSET ${skip} ROWS FETCH NEXT ${limit} ROWS ONLY`,
  limitedDelete: (table, selection, limit) =>
    `DELETE FROM ${table} WHERE ROWID IN (SELECT "RID" FROM (SELECT ROWID AS "RID" FROM ${table}${selection}) WHERE ROWNUM <= ${limit})`,
  ownIndex,
  // An empty string is only ever compared with: what no stored string holds, and comes before them all, stands for it.
  encode: (value) => (value === "" ? "\0" : encodeValue(value, (time) => time.toISOString().replace("Z", "+00:00"))),
  decode: (column, raw) => decodeValue(column, raw, (time) => (time instanceof Date ? time : undefined)),
  classify,
  aboutServer: `SELECT (SELECT MIN('Oracle ' || VERSION) FROM PRODUCT_COMPONENT_VERSION WHERE PRODUCT LIKE 'Oracle%') AS "server",
    ROUND((TO_DATE(TO_CHAR(SYS_EXTRACT_UTC(SYSTIMESTAMP), 'YYYYMMDDHH24MISS'), 'YYYYMMDDHH24MISS') - DATE '1970-01-01') * 86400) * 1000
      + TO_NUMBER(TO_CHAR(SYSTIMESTAMP, 'FF3')) AS "now_ms" FROM DUAL`,
  versionTableExists:
    "SELECT 1 AS \"found\" FROM ALL_TABLES WHERE OWNER = SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA') AND TABLE_NAME = 'SCHEMA_VERSION'",
  // Its lock is held by a session of its own: `../oracle/migration.ts`.
  beginMigration: [],
  routines: [CREATE_TICKETS],
  dropTable,
  dropRoutines: [dropTable(TICKET_TABLE)],
};

/** IF EXISTS came with 23ai. */
function dropTable(name: string): string {
  return `BEGIN EXECUTE IMMEDIATE 'DROP TABLE ${quote(name)} PURGE';
EXCEPTION WHEN OTHERS THEN IF SQLCODE <> -942 THEN RAISE; END IF; END;`;
}

function placeOf(position: number, column?: Column): string {
  return column?.kind === "time" ? `TO_TIMESTAMP_TZ(:b${position}, '${TIME_FORMAT}')` : `:b${position}`;
}

/** No partial indexes: rows whose key is all null are in none, so null is what the others get. */
function ownIndex(table: Shape, { name, unique, onlyWhere, columns }: Index): string | null {
  if (onlyWhere === undefined || table.columns[onlyWhere]?.kind !== "flag") return null;
  const keys = columns.map((column) => `CASE WHEN ${quote(onlyWhere)} = 1 THEN ${quote(column)} END`);
  return `CREATE ${unique ? "UNIQUE " : ""}INDEX ${quote(name)} ON ${quote(table.name)} (${keys.join(", ")})`;
}

function wordsOf(column: Column): ColumnWords {
  switch (column.kind) {
    case "string":
      return { type: "varchar2", length: `${column.length} char` };
    case "text":
      return { type: "clob" };
    case "int":
      return { type: "number", precision: 10 };
    case "bigint":
      return { type: "number", precision: 19 };
    case "flag":
      // Not a boolean, which came with 23ai: the documented statements say `master = 1`.
      return { type: "number", precision: 1 };
    case "time":
      return { type: "timestamp with time zone", precision: 3 };
  }
}
