/**
 * Tables as data, from which every dialect's types, the TypeORM schemas, the migrations and the row types follow.
 * Column types are the portable ones; `dialects/` says what each becomes.
 */

type ColumnKind = "string" | "text" | "int" | "bigint" | "flag" | "time";

export interface Column<T = unknown> {
  readonly kind: ColumnKind;
  /** Characters, for strings only. */
  readonly length?: number;
  readonly nullable: boolean;
  /** Carries the row type; never read. */
  readonly row?: T;
}

export const string = (length: number): Column<string> => ({ kind: "string", length, nullable: false });
/** Unbounded text; JSON is kept here. Never compared in SQL. */
export const text = (): Column<string> => ({ kind: "text", nullable: false });
export const int = (): Column<number> => ({ kind: "int", nullable: false });
/** Up to 2^53 - 1, a number in JavaScript. */
export const bigint = (): Column<number> => ({ kind: "bigint", nullable: false });
/** The documented 0/1 columns; a boolean in JavaScript. */
export const flag = (): Column<boolean> => ({ kind: "flag", nullable: false });
/** Milliseconds, UTC; written by the application, never by the database. */
export const time = (): Column<Date> => ({ kind: "time", nullable: false });

export function nullable<V>(column: Column<V>): Column<V | null> {
  return { ...column, nullable: true };
}

export type Columns = Readonly<Record<string, Column>>;

export interface Index<K extends string = string> {
  /** `pk_`, `uq_`, `ix_` + table + columns, at most 30 characters. */
  readonly name: string;
  readonly columns: readonly K[];
  readonly unique: boolean;
  /** Only rows where this column is 1 (flag) or not null take part. */
  readonly onlyWhere?: K;
}

interface ForeignKey<K extends string = string> {
  readonly name: string;
  readonly columns: readonly K[];
  readonly references: { readonly table: string; readonly columns: readonly string[] };
}

export interface Table<C extends Columns = Columns> {
  readonly name: string;
  readonly columns: C;
  readonly primaryKey: { readonly name: string; readonly columns: readonly (keyof C & string)[] };
  readonly indexes: readonly Index<keyof C & string>[];
  readonly foreignKeys: readonly ForeignKey<keyof C & string>[];
}

/** A table with its row type forgotten: what code that serves every table takes. */
export interface Shape {
  readonly name: string;
  readonly columns: Columns;
  readonly primaryKey: { readonly name: string; readonly columns: readonly string[] };
  readonly indexes: readonly Index[];
  readonly foreignKeys: readonly ForeignKey[];
}

/** One row as it is stored: documented column names, JavaScript values. */
export type RowOf<T> = T extends Table<infer C> ? { [K in keyof C]: C[K] extends Column<infer V> ? V : never } : never;

export function table<C extends Columns>(
  name: string,
  columns: C,
  rest: {
    primaryKey: Table<C>["primaryKey"];
    indexes?: Table<C>["indexes"];
    foreignKeys?: Table<C>["foreignKeys"];
  },
): Table<C> {
  return {
    name,
    columns,
    primaryKey: rest.primaryKey,
    indexes: rest.indexes ?? [],
    foreignKeys: rest.foreignKeys ?? [],
  };
}
