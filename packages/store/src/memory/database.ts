/**
 * The tables in memory, with the rules a database enforces: keys, unique indexes, references, guards, all or nothing.
 *
 * M1 `commit` runs without a pause; what it did is undone from a log when a later write of the batch fails.
 * M2 Rows are replaced, never changed, and are copied on the way in and out: a caller cannot reach into the tables.
 */
import { StoreConflict, StoreDuplicate } from "../errors.ts";
import type { Assignment, CheckedQuery, CheckedWrite } from "../schema/checked.ts";
import type { Index, Shape } from "../schema/columns.ts";
import { tables } from "../schema/tables.ts";
import { compareValues, type Value, type Values } from "../schema/values.ts";
import { matches } from "./match.ts";

type Rows = Map<string, Values>;

export interface MemoryDatabase {
  find(query: CheckedQuery): Values[];
  /** Answers how many rows each write touched; throws and leaves everything as it was. */
  commit(writes: readonly CheckedWrite[]): number[];
}

export function createMemoryDatabase(): MemoryDatabase {
  const stored = new Map<string, Rows>(Object.keys(tables).map((name) => [name, new Map()]));
  const rowsOf = (table: string): Rows => {
    const rows = stored.get(table);
    if (rows === undefined) throw new StoreConflict(0, table, "no such table");
    return rows;
  };

  const put = (undo: (() => void)[], table: Shape, key: string, row: Values | undefined): void => {
    const rows = rowsOf(table.name);
    const before = rows.get(key);
    undo.push(() => (before === undefined ? rows.delete(key) : rows.set(key, before)));
    if (row === undefined) rows.delete(key);
    else rows.set(key, row);
  };

  const holdsDuplicate = (table: Shape, row: Values): boolean => {
    if (rowsOf(table.name).has(keyOf(table.primaryKey.columns, row))) return true;
    return table.indexes.some((index) => holdsTwin(rowsOf(table.name), index, row));
  };

  const checkParents = (table: Shape, row: Values, at: number): void => {
    for (const { columns, references } of table.foreignKeys) {
      if (columns.some((column) => row[column] === null)) continue;
      if (!rowsOf(references.table).has(keyOf(columns, row))) {
        throw new StoreConflict(at, table.name, `refers to a row that is not in ${references.table}`);
      }
    }
  };

  const checkChildren = (table: Shape, gone: ReadonlySet<string>, at: number): void => {
    for (const child of Object.values<Shape>(tables)) {
      for (const { columns, references } of child.foreignKeys) {
        if (references.table !== table.name) continue;
        for (const row of rowsOf(child.name).values()) {
          if (!gone.has(keyOf(columns, row))) continue;
          throw new StoreConflict(at, table.name, `is still referred to by ${child.name}`);
        }
      }
    }
  };

  const apply = (write: CheckedWrite, at: number, undo: (() => void)[]): number => {
    const { table } = write;
    if ("row" in write) {
      if (holdsDuplicate(table, write.row)) {
        if (write.kind === "insertIfAbsent") return 0;
        throw new StoreDuplicate(table.name);
      }
      checkParents(table, write.row, at);
      put(undo, table, keyOf(table.primaryKey.columns, write.row), write.row);
      return 1;
    }
    let touched = [...rowsOf(table.name)].filter(([, row]) => matches(row, write.where));
    if (write.kind === "delete") {
      if (write.limit !== null) touched = firstByKey(table, touched, write.limit);
      for (const [key] of touched) put(undo, table, key, undefined);
      checkChildren(table, new Set(touched.map(([key]) => key)), at);
    } else {
      for (const [key, row] of touched) {
        const changed = assign(row, write.set);
        // Out of the way first, or a row would be its own twin.
        put(undo, table, key, undefined);
        if (holdsDuplicate(table, changed)) throw new StoreDuplicate(table.name);
        put(undo, table, key, changed);
      }
      // References are looked at when the statement is through, as databases do.
      for (const [key] of touched) checkParents(table, rowsOf(table.name).get(key) ?? {}, at);
    }
    if (write.expect !== "any" && write.expect !== touched.length) throw new StoreConflict(at, table.name);
    return touched.length;
  };

  return {
    find({ table, where, orderBy, limit, skip }) {
      const found = [...rowsOf(table.name).values()].filter((row) => matches(row, where));
      found.sort((left, right) => compareRows(left, right, orderBy));
      return found.slice(skip, skip + (limit ?? found.length)).map(copy);
    },

    commit(writes) {
      const undo: (() => void)[] = [];
      try {
        return writes.map((write, at) => apply(write, at, undo));
      } catch (thrown) {
        for (const step of undo.reverse()) step();
        throw thrown;
      }
    },
  };
}

function keyOf(columns: readonly string[], row: Values): string {
  return JSON.stringify(columns.map((column) => row[column]));
}

function firstByKey(table: Shape, rows: [string, Values][], limit: number): [string, Values][] {
  const order = table.primaryKey.columns.map((name) => ({ name, descending: false }));
  return rows.toSorted(([, left], [, right]) => compareRows(left, right, order)).slice(0, limit);
}

function compareRows(left: Values, right: Values, orderBy: CheckedQuery["orderBy"]): number {
  for (const { name, descending } of orderBy) {
    const order = compareValues(left[name] ?? null, right[name] ?? null);
    if (order !== 0) return descending ? -order : order;
  }
  return 0;
}

function participates(index: Index, row: Values): boolean {
  if (index.onlyWhere !== undefined && (row[index.onlyWhere] === null || row[index.onlyWhere] === false)) return false;
  return index.columns.every((column) => row[column] !== null);
}

function holdsTwin(rows: Rows, index: Index, row: Values): boolean {
  if (!index.unique || !participates(index, row)) return false;
  const key = keyOf(index.columns, row);
  for (const other of rows.values()) {
    if (participates(index, other) && keyOf(index.columns, other) === key) return true;
  }
  return false;
}

function assign(row: Values, set: readonly Assignment[]): Values {
  const changed: Record<string, Value> = { ...row };
  for (const { name, add, value } of set) {
    const before = row[name] ?? null;
    if (!add) changed[name] = value;
    else if (before !== null) changed[name] = Number(before) + Number(value);
  }
  return changed;
}

function copy(row: Values): Values {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, value instanceof Date ? new Date(value) : value]),
  );
}
