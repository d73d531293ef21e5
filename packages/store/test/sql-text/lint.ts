/** What no grammar refuses and a database or a person would suffer from. Pure: a text goes in, complaints come out. */
import type { Dialect } from "../../src/typeorm/dialects/dialect.ts";
import type { Emitted } from "./emitted.ts";
import { RESERVED } from "./reserved.ts";

export interface Rule {
  readonly name: string;
  /** Whom it would hurt. */
  readonly of: readonly Dialect["name"][];
  /** What is wrong in a text without literals and comments; null when nothing is. */
  readonly complaint: (sql: string, statement: Emitted) => string | null;
}

const EVERY: Rule["of"] = ["sqlite", "postgres", "mssql", "oracle"];
const SERVERS: Rule["of"] = ["mssql", "oracle"];

const never = (name: string, of: Rule["of"], pattern: RegExp, why: string): Rule => ({
  name,
  of,
  complaint: (sql) => (pattern.test(sql) ? why : null),
});

/** Updates and deletes of whole tables that are meant: the place they come from. There are none. */
const WHOLE_TABLES: ReadonlySet<string> = new Set();

export const RULES: readonly Rule[] = [
  never(
    "fetch-for-update",
    EVERY,
    /\bFETCH\s+(NEXT|FIRST)\b[\s\S]*\bFOR\s+UPDATE\b/i,
    "ORA-02014: rows cannot be both cut and locked",
  ),
  never("merge", EVERY, /\bMERGE\s+(INTO\b|"|\w+\s+(AS\s+\w+\s+)?USING\b)/i, "two sessions can both insert"),
  never(
    "old-type",
    SERVERS,
    /(?<!")\b(ntext|image|datetime|smalldatetime|timestamp(?!\s*(\(\d\)|with\b|_))|long|varchar\s*\()(?!\w)/i,
    "a type that is going, rounds, or has no zone",
  ),
  never(
    "bytes-not-characters",
    ["oracle"],
    /"\s+VARCHAR2\s*\(\s*\d+\s*\)/i,
    "a column's length in bytes, unless CHAR is said",
  ),
  never("text-of-one-language", ["mssql"], /\b(n?text|varchar|char)\s*\(/i, "only nvarchar holds every character"),
  never("returning-into", EVERY, /\bRETURNING\b[\s\S]*\bINTO\b/i, "strings longer than 200 are cut"),
  never(
    "select-star",
    EVERY,
    /\bSELECT\s+(TOP\s*\(\d+\)\s+)?(\w+\.)?\*(?![\s\S]*\)\s*DELETE\s+FROM\s+"doomed"$)/i,
    "a column that is added changes what comes back",
  ),
  {
    name: "whole-table",
    of: EVERY,
    complaint: (sql, { from }) =>
      /^\s*(UPDATE|DELETE)\b/i.test(sql) && !/\bWHERE\b/i.test(sql) && !WHOLE_TABLES.has(from)
        ? "touches every row"
        : null,
  },
  {
    name: "name",
    of: EVERY,
    complaint: (sql) => {
      const names = [...sql.matchAll(/"([^"]+)"/g)].map(([, name = ""]) => name);
      const long = names.find((name) => Buffer.byteLength(name) > 30);
      if (long !== undefined) return `"${long}" is longer than 30 bytes`;
      const reserved = names.find((name) => RESERVED.has(name.toUpperCase()));
      return reserved === undefined ? null : `"${reserved}" is a reserved word`;
    },
  },
  {
    name: "parameters",
    of: ["mssql"],
    complaint: (_, { parameters }) => (parameters > 2_100 ? `${parameters} parameters; 2,100 are allowed` : null),
  },
  {
    name: "list",
    of: ["oracle", "mssql"],
    complaint: (sql) => {
      const sizes = [...sql.matchAll(/\bIN\s*\(((?:[^()]|\([^()]*\))*)\)/gi)].map(
        ([, list = ""]) => list.split(/,(?![^()]*\))/).length,
      );
      const longest = Math.max(0, ...sizes);
      return longest > 1_000 ? `a list of ${longest}; 1,000 are allowed` : null;
    },
  },
];

export function complaintsAbout(dialect: Dialect["name"], statement: Emitted): string[] {
  const bare = bareText(statement.sql);
  return RULES.filter(({ of }) => of.includes(dialect)).flatMap(({ name, complaint }) => {
    const words = complaint(bare, statement);
    return words === null ? [] : [`${name}: ${words} (${statement.from}): ${statement.sql.slice(0, 300)}`];
  });
}

/** Without literals and comments, in which everything may stand. */
function bareText(sql: string): string {
  return sql.replace(/'(?:[^']|'')*'|--.*$|\/\*[\s\S]*?\*\//gm, (found) => (found.startsWith("'") ? "''" : " "));
}
