/** A table of the design as TypeORM's migration API takes it. */
import { Table, TableForeignKey, TableIndex } from "typeorm";
import type { Shape } from "../../schema/columns.ts";
import type { Dialect } from "../dialects/dialect.ts";
import { partialWhere } from "../entities.ts";

/** Keys and indexes are created with the table: added later, SQLite would have to rebuild it. */
export function buildTable(dialect: Dialect, shape: Shape): Table {
  return new Table({
    name: shape.name,
    columns: Object.entries(shape.columns).map(([name, column]) => {
      const isPrimary = shape.primaryKey.columns.includes(name);
      return {
        ...dialect.columnWords(column),
        name,
        isNullable: column.nullable,
        isPrimary,
        ...(isPrimary ? { primaryKeyConstraintName: shape.primaryKey.name } : {}),
      };
    }),
    indices: shape.indexes.map(
      (index) =>
        new TableIndex({
          name: index.name,
          columnNames: [...index.columns],
          isUnique: index.unique,
          ...partialWhere(dialect, shape, index),
        }),
    ),
    foreignKeys: shape.foreignKeys.map(
      (key) =>
        new TableForeignKey({
          name: key.name,
          columnNames: [...key.columns],
          referencedTableName: key.references.table,
          referencedColumnNames: [...key.references.columns],
        }),
    ),
  });
}
