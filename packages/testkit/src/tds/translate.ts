/**
 * Everything in which H2 (`MODE=MSSQLServer`) differs from the T-SQL that reaches it here, as one list. What H2 takes but
 * does not do is listed too: nothing that a test sees through the double proves it.
 *
 * Taken, and not done: lock hints, collations (H2 compares by code unit, blanks at the end included; SQL Server pads), the
 * 900 and 1,700 bytes an index key may have, the 2,100 parameters of a request.
 */
import type { H2Value } from "../h2.ts";
import type { Params } from "./requests.ts";

/** Statements for H2, in order; the answer is that of the last. */
export interface Translated {
  readonly sql: string;
  readonly params: readonly H2Value[];
}

type Rule = readonly [what: string, from: RegExp, to: string];

/** Applied in order to the text outside of what `filteredIndex` takes. */
const RULES: readonly Rule[] = [
  ["a collation is the column's type there", / COLLATE \w+/g, ""],
  [
    "a hidden number per row, for filtered indexes",
    /^CREATE TABLE ("\w+") \(/,
    'CREATE TABLE $1 ("row$" BIGINT GENERATED ALWAYS AS IDENTITY, ',
  ],
  ["the schema of the user", /SCHEMA_NAME\(\)/g, "SCHEMA()"],
  [
    "deleting the first rows of an order",
    /^WITH "doomed" AS \(SELECT (TOP \(\d+\)) \* FROM ("\w+")(.*)\) DELETE FROM "doomed"$/s,
    "DELETE FROM $2 WHERE _ROWID_ IN (SELECT $1 _ROWID_ FROM $2$3)",
  ],
  [
    "a list as one parameter",
    /\(SELECT \[value\] FROM OPENJSON\((@\w+)\) WHERE \[key\] = N?'(\d+)'\)/g,
    "JSON_VALUE($1, '$[$2]')",
  ],
  ["the version of the product", /SERVERPROPERTY\(N?'ProductVersion'\)/g, "'16.0.0 (TDS double)'"],
  [
    "time in milliseconds",
    /DATEDIFF_BIG\(millisecond, '1970-01-01', SYSUTCDATETIME\(\)\)/g,
    "CAST(EXTRACT(EPOCH FROM CURRENT_TIMESTAMP) * 1000 AS BIGINT)",
  ],
];

const FILTERED = /^CREATE (UNIQUE )?INDEX "(\w+)" ON "(\w+)" \((.*)\)\s+WHERE (.*)$/s;

/** Rows outside of the filter get a number of their own instead of the key, so that none of them is another's double. */
function filteredIndex([, unique = "", name, table, columns = "", filter = ""]: RegExpExecArray): string[] {
  const keys = columns.split(",").map((column) => column.trim());
  return [
    ...keys.map(
      (column, at) =>
        `ALTER TABLE "${table}" ADD COLUMN "${name}$${at}" VARCHAR GENERATED ALWAYS AS (CASE WHEN ${filter} THEN ${column} END)`,
    ),
    `ALTER TABLE "${table}" ADD COLUMN "${name}$" BIGINT GENERATED ALWAYS AS (CASE WHEN ${filter} THEN NULL ELSE "row$" END)`,
    `CREATE ${unique}INDEX "${name}" ON "${table}" (${keys.map((_, at) => `"${name}$${at}", `).join("")}"${name}$")`,
  ];
}

export function translate(text: string, params: Params): Translated[] {
  const filtered = FILTERED.exec(text);
  if (filtered !== null) return filteredIndex(filtered).map((sql) => ({ sql, params: [] }));
  const sql = RULES.reduce((so, [, from, to]) => so.replace(from, to), text);
  return [placed(sql, params)];
}

/** `@name`, or an element of the JSON list in it. */
const PARAMETER = /JSON_VALUE\((@\w+), '\$\[(\d+)\]'\)|(?<![@\w])(@\w+)/g;

/** Parameters by place instead of by name. */
function placed(sql: string, params: Params): Translated {
  const list: H2Value[] = [];
  const text = sql.replace(
    PARAMETER,
    (_all, json: string | undefined, at: string | undefined, plain: string | undefined) => {
      const value = params.get(json ?? plain ?? "") ?? null;
      list.push(json === undefined ? value : elementOf(value, Number(at)));
      return "?";
    },
  );
  return { sql: text, params: list };
}

function elementOf(json: H2Value, at: number): H2Value {
  const list: unknown = JSON.parse(String(json));
  const value: unknown = Array.isArray(list) ? list[at] : undefined;
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? value : null;
}
