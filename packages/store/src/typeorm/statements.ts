/**
 * SQL text of checked reads and writes, for every dialect.
 *
 * Why not TypeORM's repositories: loading TypeORM takes 250 ms and 24 MB (measured; better-sqlite3 alone 18 ms and 8 MB),
 * which every short-lived command and every sentinel would pay, and its statements take several times as long as the
 * driver's. So TypeORM, loaded only when needed, owns the schema (entities, migrations), and reads and guards share the
 * one rendering of conditions below, which makes "what I read" and "what I guard" the same by construction.
 */
import type { CheckedQuery, CheckedWrite, Test } from "../schema/checked.ts";
import type { Column } from "../schema/columns.ts";
import { columnOf, type Value } from "../schema/values.ts";
import type { Dialect } from "./dialects/dialect.ts";

export interface Statement {
  readonly sql: string;
  readonly params: readonly (string | number | null)[];
}

/** One write of a commit, and how many rows it must touch; null does not look. */
export interface BatchStatement extends Statement {
  readonly table: string;
  readonly expect: number | null;
  /** An insert that counts 0 where a key of its row exists, if its SQL does not see to that itself. */
  readonly mayExist: boolean;
}

/** Lists longer than this are split: Oracle takes no more than 1,000 values in one. */
const LIST_LIMIT = 500;

type Bind = (value: Value, column: Column) => string;

export function renderQuery(dialect: Dialect, query: CheckedQuery): Statement {
  const { params, bind } = collect(dialect, (position, column) => dialect.placeholder(position, column));
  const columns = Object.keys(query.table.columns).map((name) => dialect.quote(name));
  const where = renderWhere(dialect, query.where, bind);
  const order = query.orderBy.map(({ name, descending }) => dialect.order(dialect.quote(name), descending));
  const select = `SELECT ${columns.join(", ")} FROM ${dialect.quote(query.table.name)}${where} ORDER BY ${order.join(", ")}`;
  return { sql: query.limit === null ? select : dialect.limited(select, query.limit, query.skip), params };
}

export function renderWrite(dialect: Dialect, write: CheckedWrite): BatchStatement {
  const { params, bind } = collect(dialect, (position, column) => dialect.batchPlaceholder(position, column));
  const table = write.table.name;
  const target = dialect.quote(table);
  switch (write.kind) {
    case "insert":
    case "insertIfAbsent": {
      const names = Object.keys(write.row);
      const values = new Map(
        names.map((name) => [name, bind(write.row[name] ?? null, columnOf(write.table, name))] as const),
      );
      const sql = `INSERT INTO ${target} (${names.map((name) => dialect.quote(name)).join(", ")}) VALUES (${[...values.values()].join(", ")})`;
      return write.kind === "insert"
        ? { table, sql, params, expect: 1, mayExist: false }
        : {
            table,
            sql: dialect.insertIfAbsent({ sql, table: write.table, values }),
            params,
            expect: null,
            mayExist: true,
          };
    }
    case "update": {
      const set = write.set.map(({ name, column, add, value }) => {
        const left = dialect.quote(name);
        return `${left} = ${add ? `${left} + ` : ""}${bind(value, column)}`;
      });
      const where = renderWhere(dialect, write.where, bind);
      const sql = `UPDATE ${target} SET ${set.join(", ")}${where}`;
      return { table, sql, params, expect: expected(write.expect), mayExist: false };
    }
    case "delete": {
      const where = renderWhere(dialect, write.where, bind);
      const key = write.table.primaryKey.columns.map((name) => dialect.quote(name)).join(", ");
      const sql =
        write.limit === null
          ? `DELETE FROM ${target}${where}`
          : dialect.limitedDelete(target, `${where} ORDER BY ${key}`, write.limit);
      return { table, sql, params, expect: expected(write.expect), mayExist: false };
    }
  }
}

function collect(
  dialect: Dialect,
  place: (position: number, column: Column) => string,
): { readonly params: readonly (string | number | null)[]; readonly bind: Bind } {
  const params: (string | number | null)[] = [];
  const bind: Bind = (value, column) => place(params.push(dialect.encode(value)) - 1, column);
  return { params, bind };
}

function renderWhere(dialect: Dialect, tests: readonly Test[], bind: Bind): string {
  if (tests.length === 0) return "";
  return ` WHERE ${tests.map((test) => renderTest(dialect.quote(test.name), test, bind)).join(" AND ")}`;
}

function renderTest(name: string, { comparison, column, values }: Test, bind: Bind): string {
  const value = values[0] ?? null;
  switch (comparison) {
    case "is":
      return value === null ? `${name} IS NULL` : `${name} = ${bind(value, column)}`;
    case "not":
      if (value === null) return `${name} IS NOT NULL`;
      return column.nullable
        ? `(${name} <> ${bind(value, column)} OR ${name} IS NULL)`
        : `${name} <> ${bind(value, column)}`;
    case "in": {
      const lists: string[] = [];
      for (let from = 0; from < values.length; from += LIST_LIMIT) {
        const list = values.slice(from, from + LIST_LIMIT).map((one) => bind(one, column));
        lists.push(`${name} IN (${list.join(", ")})`);
      }
      return lists.length === 0 ? "1 = 0" : `(${lists.join(" OR ")})`;
    }
    case "below":
    case "above":
      if (value === null) return "1 = 0";
      return `${name} ${comparison === "below" ? "<" : ">"} ${bind(value, column)}`;
  }
}

function expected(expect: number | "any"): number | null {
  return expect === "any" ? null : expect;
}
