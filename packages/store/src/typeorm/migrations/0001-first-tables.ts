/**
 * Every table, as designed. `test/schema.*.sql` is what this creates: once a release carries it, a difference there means
 * that this file must be given a frozen copy of the design and the change a migration of its own.
 */
import type { Shape } from "../../schema/columns.ts";
import { tables } from "../../schema/tables.ts";
import type { Migration } from "./migration.ts";

export const firstTables: Migration = {
  version: 1,
  name: "first-tables",
  async up(draft, dialect) {
    for (const shape of Object.values<Shape>(tables)) await draft.createTable(shape);
    for (const statement of dialect.routines) draft.run(statement);
  },
};
