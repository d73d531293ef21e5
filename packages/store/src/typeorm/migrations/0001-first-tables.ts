/** Every table of release 0.1.0. */
import { tablesOfVersionOne } from "./0001-tables.ts";
import type { Migration } from "./migration.ts";

export const firstTables: Migration = {
  version: 1,
  name: "first-tables",
  usableFrom: 1,
  async up(draft, dialect) {
    for (const shape of tablesOfVersionOne) await draft.createTable(shape);
    for (const statement of dialect.routines) draft.run(statement);
  },
};
