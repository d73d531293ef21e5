/** A table of the design as TypeORM's migration API takes it. */
import { Table, TableForeignKey, TableIndex } from "typeorm";
import type { Shape } from "../../schema/columns.ts";
import type { Dialect } from "../dialects/dialect.ts";
import { partialWhere } from "../entities.ts";

/** Keys and indexes are created with the table: added later, SQLite would have to rebuild it. See `ownIndexes` for the rest. */
export function buildTable(dialect: Dialect, shape: Shape): Table {
  const stored = (name: string): string => dialect.stored(name);
  return new Table({
    name: stored(shape.name),
    columns: Object.entries(shape.columns).map(([name, column]) => {
      const isPrimary = shape.primaryKey.columns.includes(name);
      return {
        ...dialect.columnWords(column),
        name: stored(name),
        isNullable: column.nullable,
        isPrimary,
        ...(isPrimary ? { primaryKeyConstraintName: stored(shape.primaryKey.name) } : {}),
      };
    }),
    indices: shape.indexes
      .filter((index) => dialect.ownIndex(shape, index) === null)
      .map(
        (index) =>
          new TableIndex({
            name: stored(index.name),
            columnNames: index.columns.map(stored),
            isUnique: index.unique,
            ...partialWhere(dialect, shape, index),
          }),
      ),
    foreignKeys: shape.foreignKeys.map(
      (key) =>
        new TableForeignKey({
          name: stored(key.name),
          columnNames: key.columns.map(stored),
          referencedTableName: stored(key.references.table),
          referencedColumnNames: key.references.columns.map(stored),
        }),
    ),
  });
}

/** The statements for the indexes that TypeORM's migration API cannot say. */
export function ownIndexes(dialect: Dialect, shape: Shape): string[] {
  return shape.indexes.map((index) => dialect.ownIndex(shape, index)).filter((statement) => statement !== null);
}
