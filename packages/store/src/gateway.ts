/**
 * The one door to a database: reads of single tables, and batches of guarded writes that happen all or not at all.
 *
 * G1 A commit is one transaction, begun and ended without waiting for anything but the database (on SQLite one
 *    synchronous call): a frozen caller holds no lock.
 * G2 Every guard (`expect`) is checked inside the transaction; one miss undoes all.
 * G3 Rows go in and come out as JavaScript values of the row type, whatever the dialect stores.
 *
 * Whoever decides reads first, decides in a pure function, and commits with guards (an epoch, a row version) that refuse
 * when what was read is no longer true; then reads again. There is no transaction to hold open.
 */
import type { Row, TableName } from "./schema/tables.ts";

/** A condition on one column: a value (equality; null = is null) or one of these. */
export type Condition<V> =
  | V
  | { readonly in: readonly NonNullable<V>[] }
  | { readonly below: NonNullable<V> }
  | { readonly above: NonNullable<V> }
  | { readonly not: V };

export type Where<T extends TableName> = { readonly [K in keyof Row<T>]?: Condition<Row<T>[K]> };

export interface Query<T extends TableName> {
  readonly where?: Where<T>;
  readonly orderBy?: readonly { readonly column: keyof Row<T> & string; readonly descending?: boolean }[];
  readonly limit?: number;
  /** Rows left out at the beginning. Needs a limit. */
  readonly skip?: number;
}

/** A value, or an amount to add to the stored number. */
export type Setting<V> = V | (V extends number ? { readonly add: number } : never);
export type Settings<T extends TableName> = { readonly [K in keyof Row<T>]?: Setting<Row<T>[K]> };

/** How many rows a write must touch; `any` does not look. */
export type Expectation = number | "any";

/** Column values of a write; made by the typed constructors below, read by the adapters. */
type Values = Readonly<Record<string, unknown>>;

export type Write =
  | { readonly kind: "insert"; readonly table: TableName; readonly row: Values }
  /** Does nothing when a row with the same primary key, or of the same unique index, exists. */
  | { readonly kind: "insertIfAbsent"; readonly table: TableName; readonly row: Values }
  | {
      readonly kind: "update";
      readonly table: TableName;
      readonly where: Values;
      readonly set: Values;
      readonly expect: Expectation;
    }
  | {
      readonly kind: "delete";
      readonly table: TableName;
      readonly where: Values;
      readonly expect: Expectation;
      /** At most so many rows, the first by primary key. */
      readonly limit?: number;
    };

export interface Gateway {
  find<T extends TableName>(table: T, query?: Query<T>): Promise<Row<T>[]>;
  /**
   * All writes, in order, or none. Answers how many rows each touched.
   * Throws `StoreConflict` when a guard misses, `StoreDuplicate` when a plain insert meets an existing key,
   * `StoreUnavailable` (retryable) when the database cannot be reached or stays busy, `StoreAmbiguous` when the
   * connection broke while the commit was on its way (it may have happened: read and look for your nonce).
   */
  commit(writes: readonly Write[]): Promise<readonly number[]>;
  close(): Promise<void>;
}

/** Writes with the types of their table checked. */
export const insert = <T extends TableName>(table: T, row: Row<T>): Write => ({ kind: "insert", table, row });
export const insertIfAbsent = <T extends TableName>(table: T, row: Row<T>): Write => ({
  kind: "insertIfAbsent",
  table,
  row,
});
/** Guarded: by default exactly one row must be touched. */
export const update = <T extends TableName>(
  table: T,
  where: Where<T>,
  set: Settings<T>,
  expect: Expectation = 1,
): Write => ({ kind: "update", table, where, set, expect });
export const remove = <T extends TableName>(table: T, where: Where<T>, expect: Expectation = "any"): Write => ({
  kind: "delete",
  table,
  where,
  expect,
});
/** Removes at most `limit` rows, the first by primary key: a part of what is to go, small enough to hold nobody up. */
export const prune = <T extends TableName>(table: T, where: Where<T>, limit: number): Write => ({
  kind: "delete",
  table,
  where,
  expect: "any",
  limit,
});
