/**
 * A whole table, page by page in the order of its primary key: no page costs more than the last, however long the table, and
 * the program goes on between two of them.
 */
import type { Gateway } from "../gateway.ts";
import type { TableName } from "../schema/tables.ts";
import { tables } from "../schema/tables.ts";
import type { Values } from "../schema/values.ts";

/** What reads: a gateway, or a snapshot of one moment. */
export type Reader = Pick<Gateway, "find">;

/** As many rows as every database takes in one statement. */
export const PAGE = 100;

/** In an order in which they can be filled; emptied in reverse. */
export const TABLE_NAMES: readonly TableName[] = Object.keys(tables).filter((name): name is TableName =>
  Object.hasOwn(tables, name),
);

/**
 * Conditions whose rows together are those after `key`, each a range of the primary key's order: of (a, b) first those of the
 * same a with a greater b, then those with a greater a.
 */
export function rangesAfter(
  columns: readonly string[],
  key: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>>[] {
  return columns.map((_, at) => {
    const split = columns.length - 1 - at;
    const same = columns.slice(0, split).map((name) => [name, key[name]]);
    const greater = columns.slice(split, split + 1).map((name) => [name, { above: key[name] }]);
    return Object.fromEntries([...same, ...greater]);
  });
}

/** Pages of 1 to `PAGE` rows. */
export async function* pagesOf(reader: Reader, table: TableName): AsyncGenerator<readonly Values[]> {
  const columns = tables[table].primaryKey.columns;
  let ranges: Readonly<Record<string, unknown>>[] = [{}];
  for (let range = ranges.shift(); range !== undefined; range = ranges.shift()) {
    const rows: readonly Values[] = await reader.find(table, { where: range, limit: PAGE });
    const last = rows.at(-1);
    if (last === undefined) continue;
    yield rows;
    // A page that is not full is the end of its range: the wider ones are left.
    if (rows.length === PAGE) ranges = rangesAfter(columns, last);
  }
}
