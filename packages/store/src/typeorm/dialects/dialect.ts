/**
 * Everything that differs between databases, as one record per dialect. Code outside this folder never asks which
 * database it talks to: if it needs to, a row is missing here.
 */
import type { DataSourceOptions } from "typeorm";
import type { Column, Index, Shape } from "../../schema/columns.ts";
import type { Value } from "../../schema/values.ts";

/**
 * What an error of the driver means for a commit or a read:
 * - `duplicate`, `reference`: a constraint refused a row
 * - `busy`: nothing happened; the same again can succeed within milliseconds
 * - `unavailable`: nothing happened; `remedy` says what a person can do. `passing`: the next connection may work
 * - `forbidden`: nothing happened, and nothing will before a person has changed rights or passwords, as `remedy` says
 * - `schema`: a table or column is not there
 * - `defect`: none of these; thrown on as it is
 */
export type Fault =
  | { readonly kind: "duplicate" | "reference" | "busy" | "schema" | "defect" }
  | { readonly kind: "unavailable"; readonly remedy: string; readonly passing: boolean }
  | { readonly kind: "forbidden"; readonly remedy: string };

/** The words TypeORM wants for a column's type. */
export interface ColumnWords {
  readonly type:
    | "varchar"
    | "nvarchar"
    | "text"
    | "int"
    | "integer"
    | "bigint"
    | "smallint"
    | "datetime"
    | "datetime2"
    | "timestamptz"
    | "varchar2"
    | "clob"
    | "number"
    | "timestamp with time zone";
  readonly length?: string;
  readonly precision?: number;
  readonly collation?: string;
}

/** An `INSERT` of one row, whole and in its parts. */
export interface InsertText {
  readonly sql: string;
  readonly table: Shape;
  /** By column: what SQL puts there. */
  readonly values: ReadonlyMap<string, string>;
}

export interface Dialect {
  readonly name: "sqlite" | "postgres" | "mssql" | "oracle";
  columnWords(column: Column): ColumnWords;
  /** With these TypeORM writes this dialect's DDL; nothing is connected to. */
  readonly offline: DataSourceOptions;
  /** A table's, column's or constraint's name as the database's catalogue holds it. */
  stored(name: string): string;
  /** A table's or column's name in SQL text. */
  quote(name: string): string;
  /** The place of parameter `position` (from 0) in a read; `column` is what it is compared with, if that is known. */
  placeholder(position: number, column?: Column): string;
  /** The same in a statement of a commit. */
  batchPlaceholder(position: number, column: Column): string;
  /** An `INSERT` that does nothing where any unique key exists. */
  insertIfAbsent(insert: InsertText): string;
  /** Nulls come first when ascending, last when descending. */
  order(column: string, descending: boolean): string;
  /** At most `limit` rows, after the first `skip`. */
  limited(select: string, limit: number, skip: number): string;
  /** Deletes the first `limit` rows of `table` that `selection` (conditions and order, as in a read) gives. */
  limitedDelete(table: string, selection: string, limit: number): string;
  /** The statement that makes an index TypeORM has no words for; null where it has. */
  ownIndex(table: Shape, index: Index): string | null;
  encode(value: Value): string | number | null;
  /** A stored value as JavaScript has it; throws when the driver gave something the column's kind cannot be. */
  decode(column: Column, raw: unknown): Value;
  classify(thrown: unknown): Fault;
  /** Gives one row: `server`, product and version, and `now_ms`, the server's clock (null when it is this host's). */
  readonly aboutServer: string;
  /** A query with a row when the table `schema_version` is there. */
  readonly versionTableExists: string;
  /** Opens the transaction of a migration and takes the lock that only one process can have. */
  readonly beginMigration: readonly string[];
  /** Drops a table, if it is there. */
  dropTable(name: string): string;
  /** Takes away what migrations created besides the tables of the design, but for the lock they hold. */
  readonly dropRoutines: readonly string[];
  /** What the first migration creates besides tables. */
  readonly routines: readonly string[];
}
