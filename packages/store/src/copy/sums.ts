/** What a table holds, as a few bytes: two copies of a schema are equal when the sums of their tables are. */
import { createHash } from "node:crypto";
import type { TableName } from "../schema/tables.ts";
import { tables } from "../schema/tables.ts";
import type { Value, Values } from "../schema/values.ts";
import { pagesOf, type Reader } from "./pages.ts";

export interface TableSum {
  readonly rows: number;
  /** SHA-256 of the rows in the order of the primary key, as hexadecimal digits. */
  readonly digest: string;
}

export type Sums = ReadonlyMap<TableName, TableSum>;

/** Of rows that come in the order of the primary key. */
export interface RunningSum {
  add(rows: readonly Values[]): void;
  end(): TableSum;
}

export function beginSum(table: TableName): RunningSum {
  const hash = createHash("sha256");
  const columns = Object.keys(tables[table].columns);
  let rows = 0;
  return {
    add(page) {
      rows += page.length;
      for (const row of page) hash.update(`${JSON.stringify(columns.map((name) => plain(row[name] ?? null)))}\n`);
    },
    end: () => ({ rows, digest: hash.digest("hex") }),
  };
}

/** Reads the whole table. */
export async function sumOf(reader: Reader, table: TableName): Promise<TableSum> {
  const sum = beginSum(table);
  for await (const page of pagesOf(reader, table)) sum.add(page);
  return sum.end();
}

/** Times keep milliseconds on every database. */
const plain = (value: Value): Exclude<Value, Date> => (value instanceof Date ? value.toISOString() : value);
