/** What SQLite and PostgreSQL say alike, and what their drivers give alike. */
import type { Column } from "../../schema/columns.ts";
import type { Value } from "../../schema/values.ts";
import type { Dialect } from "./dialect.ts";

/** What all but Oracle say alike. */
export const PLAIN: Pick<Dialect, "stored" | "ownIndex" | "dropTable" | "dropRoutines"> = {
  stored: (name) => name,
  ownIndex: () => null,
  dropTable: (name) => `DROP TABLE IF EXISTS "${name}"`,
  dropRoutines: [],
};

export const ALIKE: typeof PLAIN & Pick<Dialect, "quote" | "insertIfAbsent" | "limited"> = {
  ...PLAIN,
  quote: (name) => `"${name}"`,
  insertIfAbsent: ({ sql }) => `${sql} ON CONFLICT DO NOTHING`,
  limited: (select, limit, skip) => `${select} LIMIT ${limit}${skip === 0 ? "" : ` OFFSET ${skip}`}`,
};

/** `textOf`: how this database writes a time. */
export function encodeValue(value: Value, textOf: (time: Date) => string): string | number | null {
  if (value instanceof Date) return textOf(value);
  return typeof value === "boolean" ? Number(value) : value;
}

/** `timeOf`: what this driver gives for a time, or undefined when that is none. Throws for what a column cannot hold. */
export function decodeValue(column: Column, raw: unknown, timeOf: (raw: unknown) => Date | undefined): Value {
  if (raw === null) return null;
  switch (column.kind) {
    case "string":
    case "text":
      if (typeof raw === "string") return raw;
      break;
    case "int":
    case "bigint":
      if (typeof raw === "number") return raw;
      // 64-bit numbers may come as text.
      if (typeof raw === "string" && /^-?\d+$/.test(raw)) return Number(raw);
      break;
    case "flag":
      if (typeof raw === "number") return raw !== 0;
      break;
    case "time": {
      const time = timeOf(raw);
      if (time !== undefined) return time;
      break;
    }
  }
  throw new TypeError(`the driver gave ${typeof raw} for a column of kind ${column.kind}`);
}
