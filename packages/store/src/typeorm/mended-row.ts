/**
 * Rows as a person with an SQL tool may have left them: a NULL where none can be, text in a number, no
 * time. One such value must not hide its row, nor one such row its table. It is read as the mildest value there is, and
 * said once, with the table, the row and the column. Nothing is written back: whoever broke it can mend it.
 */
import type { Column, Shape } from "../schema/columns.ts";
import { columnOf, type Value, type Values } from "../schema/values.ts";
import type { Dialect } from "./dialects/dialect.ts";

export interface BrokenValue {
  readonly table: string;
  /** The row: its primary key as it is stored. */
  readonly row: string;
  readonly column: string;
  readonly problem: string;
}

type Raw = Readonly<Record<string, unknown>>;

/** Null when not even its key can be read: then nobody could say which row it is, and it counts as not there. */
export function mendedRow(
  dialect: Dialect,
  table: Shape,
  raw: Raw,
  tell: (broken: BrokenValue) => void,
): Values | null {
  const row: Record<string, Value> = {};
  let isLost = false;
  for (const name in table.columns) {
    const column = columnOf(table, name);
    const read = valueOf(dialect, table, name, raw[name]);
    if (!("problem" in read)) {
      row[name] = read.value;
      continue;
    }
    const isKey = table.primaryKey.columns.includes(name);
    isLost ||= isKey;
    row[name] = column.nullable ? null : mildest(column);
    const problem = `${read.problem}; ${isKey ? "the row counts as not there" : `read as ${shown(row[name] ?? null)}`}`;
    tell({ table: table.name, row: keyOf(table, raw), column: name, problem });
  }
  return isLost ? null : row;
}

/** `case_number=12` */
const keyOf = (table: Shape, raw: Raw): string =>
  table.primaryKey.columns.map((name) => `${name}=${shown(raw[name] ?? null)}`).join(" ");

function valueOf(dialect: Dialect, table: Shape, name: string, raw: unknown): { value: Value } | { problem: string } {
  const column = columnOf(table, name);
  let value: Value;
  try {
    value = dialect.decode(column, raw ?? null);
  } catch {
    return { problem: `${shown(raw)} is no ${KIND_WORDS[column.kind]}` };
  }
  if (value === null) return column.nullable ? { value } : { problem: "is NULL" };
  if (value instanceof Date && Number.isNaN(value.getTime())) return { problem: `${shown(raw)} is no time` };
  if (typeof value === "number" && !Number.isSafeInteger(value)) return { problem: `${shown(raw)} is no whole number` };
  return { value };
}

const KIND_WORDS: Readonly<Record<Column["kind"], string>> = {
  string: "text",
  text: "text",
  int: "whole number",
  bigint: "whole number",
  flag: "0 or 1",
  time: "time",
};

function mildest({ kind }: Column): Value {
  switch (kind) {
    case "string":
    case "text":
      return "-";
    case "int":
    case "bigint":
      return 0;
    case "flag":
      return false;
    case "time":
      return new Date(0);
  }
}

const MAX_SHOWN = 60;

function shown(raw: unknown): string {
  if (raw instanceof Date) return Number.isNaN(raw.getTime()) ? "no time" : raw.toISOString();
  if (raw instanceof Uint8Array) return `${raw.length} bytes`;
  const text = typeof raw === "string" ? JSON.stringify(raw) : String(raw);
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}…`;
}
