/** Reads and writes after the check at the door: from here on every adapter, SQL or memory, trusts columns and values. */
import { StoreInvalid } from "../errors.ts";
import type { Expectation, Write } from "../gateway.ts";
import type { Column, Shape } from "./columns.ts";
import { type Row, type TableName, tables } from "./tables.ts";
import { columnOf, comparedValue, storedValue, type Value, type Values } from "./values.ts";

type Comparison = "is" | "not" | "in" | "below" | "above";

/** One condition. `in` has any number of values, the others exactly one. Null equals null and differs from all else. */
export interface Test {
  readonly name: string;
  readonly column: Column;
  readonly comparison: Comparison;
  readonly values: readonly Value[];
}

/** One assignment; with `add`, to the number that is stored (null stays null). */
export interface Assignment {
  readonly name: string;
  readonly column: Column;
  readonly add: boolean;
  readonly value: Value;
}

export type CheckedWrite =
  | { readonly kind: "insert" | "insertIfAbsent"; readonly table: Shape; readonly row: Values }
  | {
      readonly kind: "update";
      readonly table: Shape;
      readonly where: readonly Test[];
      readonly set: readonly Assignment[];
      readonly expect: Expectation;
    }
  | {
      readonly kind: "delete";
      readonly table: Shape;
      readonly where: readonly Test[];
      readonly expect: Expectation;
      /** At most so many, the first by primary key. */
      readonly limit: number | null;
    };

export interface CheckedQuery {
  readonly table: Shape;
  readonly where: readonly Test[];
  /** Always total: the primary key breaks every tie. */
  readonly orderBy: readonly { readonly name: string; readonly descending: boolean }[];
  readonly limit: number | null;
  readonly skip: number;
}

/** `Query` with the types of its table forgotten. */
interface AnyQuery {
  readonly where?: Readonly<Record<string, unknown>>;
  readonly orderBy?: readonly { readonly column: string; readonly descending?: boolean }[];
  readonly limit?: number;
  readonly skip?: number;
}

/** Throws `StoreInvalid` for an unknown table. */
export function tableOf(name: TableName): Shape {
  if (!Object.hasOwn(tables, name)) throw new StoreInvalid(name, "*", "no such table");
  return tables[name];
}

/** Gives values the type of their table's rows back: they came in through `checkWrite`, or out through a dialect. */
export function asRow<T extends TableName>(name: T, values: Values): Row<T> {
  if (isRow(name, values)) return values;
  throw new StoreInvalid(name, "*", "not a row of this table");
}

function isRow<T extends TableName>(name: T, values: Values): values is Values & Row<T> {
  for (const column in tables[name].columns) if (values[column] === undefined) return false;
  return true;
}

export function checkQuery(name: TableName, query: AnyQuery): CheckedQuery {
  const table = tableOf(name);
  const asked = (query.orderBy ?? []).map(({ column, descending }) => {
    if (columnOf(table, column).kind === "text") {
      throw new StoreInvalid(name, column, "unbounded text is never compared");
    }
    return { name: column, descending: descending ?? false };
  });
  const rest = table.primaryKey.columns.filter((column) => !asked.some((order) => order.name === column));
  return {
    table,
    where: checkWhere(table, query.where ?? {}),
    orderBy: [...asked, ...rest.map((column) => ({ name: column, descending: false }))],
    limit: checkLimit(table, query.limit),
    skip: checkSkip(table, query),
  };
}

/** Not every database can leave rows out without a limit. */
function checkSkip(table: Shape, { limit, skip }: AnyQuery): number {
  if (skip !== undefined && limit === undefined) throw new StoreInvalid(table.name, "*", "to skip rows needs a limit");
  return checkLimit(table, skip) ?? 0;
}

function checkLimit(table: Shape, limit: number | undefined): number | null {
  if (limit === undefined) return null;
  if (Number.isSafeInteger(limit) && limit >= 0) return limit;
  throw new StoreInvalid(table.name, "*", "a limit is a whole number, 0 or more");
}

export function checkWrite(write: Write): CheckedWrite {
  const table = tableOf(write.table);
  switch (write.kind) {
    case "insert":
    case "insertIfAbsent":
      return { kind: write.kind, table, row: checkRow(table, write.row) };
    case "update":
      return {
        kind: "update",
        table,
        where: checkWhere(table, write.where),
        set: checkSettings(table, write.set),
        expect: write.expect,
      };
    case "delete":
      return {
        kind: "delete",
        table,
        where: checkWhere(table, write.where),
        expect: write.expect,
        limit: checkLimit(table, write.limit),
      };
  }
}

function checkRow(table: Shape, row: Readonly<Record<string, unknown>>): Values {
  for (const name of Object.keys(row)) columnOf(table, name);
  const checked: Record<string, Value> = {};
  for (const name of Object.keys(table.columns)) checked[name] = storedValue(table, name, row[name]);
  return checked;
}

function checkSettings(table: Shape, set: Readonly<Record<string, unknown>>): Assignment[] {
  const assignments = Object.entries(set).map(([name, setting]): Assignment => {
    const column = columnOf(table, name);
    if (table.primaryKey.columns.includes(name)) {
      throw new StoreInvalid(table.name, name, "a primary key never changes");
    }
    if (!isOperator(setting)) return { name, column, add: false, value: storedValue(table, name, setting) };
    if (column.kind !== "int" && column.kind !== "bigint") {
      throw new StoreInvalid(table.name, name, "only a number can be added to");
    }
    if (table.indexes.some((index) => index.unique && index.columns.includes(name))) {
      // Databases check row by row, in an order of their own: the same update would pass or fail by luck.
      throw new StoreInvalid(table.name, name, "a unique column cannot be added to");
    }
    return { name, column, add: true, value: storedValue(table, name, setting["add"]) };
  });
  if (assignments.length === 0) throw new StoreInvalid(table.name, "*", "an update that sets nothing");
  return assignments;
}

function checkWhere(table: Shape, where: Readonly<Record<string, unknown>>): Test[] {
  return Object.entries(where).map(([name, condition]): Test => {
    const column = columnOf(table, name);
    const value = (raw: unknown): Value => comparedValue(table, name, raw);
    if (!isOperator(condition)) return { name, column, comparison: "is", values: [value(condition)] };
    const [operator, ...more] = Object.keys(condition);
    if (more.length > 0) throw new StoreInvalid(table.name, name, "one condition per column");
    switch (operator) {
      case "in": {
        const list = condition["in"];
        if (!Array.isArray(list)) throw new StoreInvalid(table.name, name, "`in` takes a list");
        return { name, column, comparison: "in", values: list.map(value).filter((one) => one !== null) };
      }
      case "not":
      case "below":
      case "above":
        return { name, column, comparison: operator, values: [value(condition[operator])] };
      case undefined:
      default:
        throw new StoreInvalid(table.name, name, "not a condition");
    }
  });
}

/** `{ in: ... }`, `{ add: ... }` and the like; a plain value is none, nor is `undefined`, which `typedValue` refuses. */
function isOperator(setting: unknown): setting is Readonly<Record<string, unknown>> {
  return typeof setting === "object" && setting !== null && !(setting instanceof Date);
}
