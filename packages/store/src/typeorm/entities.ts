/**
 * The tables as TypeORM knows them, per dialect: explicit types and explicit constraint names. Used by the migrations'
 * data source and by the check that the migrated schema is the designed one; reads and writes do not go through them.
 */
import { EntitySchema, type EntitySchemaColumnOptions } from "typeorm";
import type { Column, Index, Shape } from "../schema/columns.ts";
import { tables } from "../schema/tables.ts";
import type { Dialect } from "./dialects/dialect.ts";

/** One row of any table. */
export type StoredRow = Record<string, unknown>;

export function makeEntities(dialect: Dialect): EntitySchema<StoredRow>[] {
  return Object.values<Shape>(tables).map((table) => makeEntity(dialect, table));
}

function makeEntity(dialect: Dialect, table: Shape): EntitySchema<StoredRow> {
  return new EntitySchema<StoredRow>({
    name: table.name,
    tableName: dialect.stored(table.name),
    columns: Object.fromEntries(
      Object.entries(table.columns).map(([name, column]) => [name, entityColumn(dialect, table, name, column)]),
    ),
    indices: table.indexes.map((index) => ({
      name: dialect.stored(index.name),
      columns: [...index.columns],
      unique: index.unique,
      ...partialWhere(dialect, table, index),
    })),
    foreignKeys: table.foreignKeys.map((key) => ({
      name: dialect.stored(key.name),
      target: key.references.table,
      columnNames: [...key.columns],
      referencedColumnNames: [...key.references.columns],
    })),
  });
}

function entityColumn(dialect: Dialect, table: Shape, name: string, column: Column): EntitySchemaColumnOptions {
  const primary = table.primaryKey.columns.includes(name);
  return {
    ...dialect.columnWords(column),
    name: dialect.stored(name),
    nullable: column.nullable,
    primary,
    ...(primary ? { primaryKeyConstraintName: dialect.stored(table.primaryKey.name) } : {}),
  };
}

/** The condition of an index that only some rows take part in. */
export function partialWhere(dialect: Dialect, table: Shape, index: Index): { readonly where?: string } {
  if (index.onlyWhere === undefined) return {};
  const name = dialect.quote(index.onlyWhere);
  return { where: table.columns[index.onlyWhere]?.kind === "flag" ? `${name} = 1` : `${name} IS NOT NULL` };
}
