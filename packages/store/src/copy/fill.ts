/**
 * Fills a schema that does not count with the rows of another, and makes sure that it holds exactly these.
 *
 * F1 Whatever an earlier attempt, or the making of the schema, has left is removed first.
 * F2 One page is one commit, guarded by the mark of this attempt; between two the program goes on with what else it does.
 * F3 What is read back afterwards must have the sums of what was put in: nothing is believed.
 */
import { CastellanError } from "@castellan/kernel";
import { type Gateway, prune, type Write } from "../gateway.ts";
import type { TableName } from "../schema/tables.ts";
import { tables } from "../schema/tables.ts";
import type { Values } from "../schema/values.ts";
import { type Mark, whileMarked } from "./mark.ts";
import { PAGE, pagesOf, type Reader, TABLE_NAMES } from "./pages.ts";
import { beginSum, type RunningSum, type Sums, sumOf, type TableSum } from "./sums.ts";

/** What a copy holds: every table but the one that says whether the schema counts. */
export const COPIED_TABLES: readonly TableName[] = TABLE_NAMES.filter((name) => name !== "schema_move");

/** Rows of one table, in the order of its primary key; tables in the order of `COPIED_TABLES`. */
export interface Page {
  readonly table: TableName;
  readonly rows: readonly Values[];
}

export async function* readPages(reader: Reader): AsyncGenerator<Page> {
  for (const table of COPIED_TABLES) for await (const rows of pagesOf(reader, table)) yield { table, rows };
}

export interface Progress {
  readonly doing: "emptying" | "copying" | "verifying";
  readonly table: TableName;
  /** Done so far, of all tables. */
  readonly rows: number;
}

export interface FillOptions {
  readonly target: Gateway;
  /** As it stands in the target: `filling`. */
  readonly mark: Mark;
  readonly pages: AsyncIterable<Page>;
  readonly onProgress?: (progress: Progress) => void;
}

/** Answers what the target holds. Throws COPY_DIFFERS, and `StoreConflict` (index 0) when another attempt has taken over. */
export async function fillSchema({ target, mark, pages, onProgress }: FillOptions): Promise<Sums> {
  const commit = (writes: readonly Write[]) => target.commit([whileMarked(mark), ...writes]);
  let rows = 0;
  const tell = (doing: Progress["doing"], table: TableName, more: number): void => {
    rows += more;
    onProgress?.({ doing, table, rows });
  };

  for (const table of COPIED_TABLES.toReversed()) {
    for (let gone = PAGE; gone === PAGE; ) {
      if ((await target.find(table, { limit: 1 })).length === 0) break;
      [, gone = 0] = await commit([prune(table, {}, PAGE)]);
      tell("emptying", table, gone);
    }
  }
  rows = 0;
  const expected = new Map<TableName, RunningSum>(COPIED_TABLES.map((table) => [table, beginSum(table)]));
  for await (const page of pages) {
    await commit(page.rows.map((row): Write => ({ kind: "insert", table: page.table, row })));
    expected.get(page.table)?.add(page.rows);
    tell("copying", page.table, page.rows.length);
  }
  rows = 0;
  const sums = new Map<TableName, TableSum>();
  for (const [table, sum] of expected) {
    const found = await sumOf(target, table);
    requireEqual(table, sum.end(), found);
    sums.set(table, found);
    tell("verifying", table, found.rows);
  }
  return sums;
}

/** Whether `reader` still holds what was copied from it. Throws COPY_DIFFERS. */
export async function requireUnchanged(reader: Reader, sums: Sums): Promise<void> {
  for (const [table, sum] of sums) requireEqual(table, await sumOf(reader, table), sum);
}

function requireEqual(table: TableName, wanted: TableSum, found: TableSum): void {
  if (wanted.rows === found.rows && wanted.digest === found.digest) return;
  throw new CastellanError(
    "COPY_DIFFERS",
    `${table} holds ${wanted.rows} rows, its copy ${found.rows}${wanted.rows === found.rows ? " that differ" : ""}: somebody else has written into one of the two; end their programs and try again`,
    { details: { table, wanted, found } },
  );
}

/** Tables that a program fills when it makes a schema: rows in them alone are no node's. */
const MADE_WITH_THE_SCHEMA: ReadonlySet<string> = new Set(["schema_move", "node_parameter"]);

/** The first table that holds something of a node; null: the schema is empty. */
export async function firstInUse(reader: Reader): Promise<TableName | null> {
  for (const table of COPIED_TABLES) {
    if (MADE_WITH_THE_SCHEMA.has(table)) continue;
    if ((await reader.find(table, { limit: 1 })).length > 0) return table;
  }
  return null;
}

/** A row as the design has it: columns that came later and may be null are null. */
export function withEveryColumn(table: TableName, row: Values): Values {
  return Object.fromEntries(Object.keys(tables[table].columns).map((name) => [name, row[name] ?? null]));
}
