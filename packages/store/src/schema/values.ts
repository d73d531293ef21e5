/**
 * What a column takes, the same on every database: the narrowest of them all sets the rule.
 *
 * V1 An empty string in a nullable string column is null (Oracle knows no other), in any other it is refused.
 * V2 Lengths count UTF-16 units, the strictest of the three ways databases count characters.
 * V3 No NUL and no half of a surrogate pair: PostgreSQL refuses the first, UTF-8 cannot write the second.
 */
import { StoreInvalid } from "../errors.ts";
import type { Column, Shape } from "./columns.ts";

export type Value = string | number | boolean | Date | null;
/** One row with the types of its table forgotten. */
export type Values = Readonly<Record<string, Value>>;

const MAX_INT = 2 ** 31 - 1;
const FIRST_TIME = Date.parse("0001-01-01T00:00:00Z");
const LAST_TIME = Date.parse("9999-12-31T23:59:59.999Z");
const HALF_PAIR = /\p{Surrogate}/u;

/** The column, or a refusal that names it. */
export function columnOf(table: Shape, name: string): Column {
  const column = Object.hasOwn(table.columns, name) ? table.columns[name] : undefined;
  if (column === undefined) throw new StoreInvalid(table.name, name, "no such column");
  return column;
}

/** Checks one value that is to be stored, and brings it into its stored form. */
export function storedValue(table: Shape, name: string, value: unknown): Value {
  const column = columnOf(table, name);
  if (value === null || (value === "" && column.nullable)) {
    if (column.nullable) return null;
    throw new StoreInvalid(table.name, name, "must not be null");
  }
  if (value === "") throw new StoreInvalid(table.name, name, "must not be empty");
  return typedValue(table, name, column, value);
}

/** Checks one value that is compared with: as stored, but an empty string in a non-null column just matches nothing. */
export function comparedValue(table: Shape, name: string, value: unknown): Value {
  const column = columnOf(table, name);
  if (column.kind === "text") throw new StoreInvalid(table.name, name, "unbounded text is never compared");
  if (value === null || (value === "" && column.nullable)) return null;
  return typedValue(table, name, column, value);
}

function typedValue(table: Shape, name: string, column: Column, value: unknown): Value {
  const fault = (reason: string): StoreInvalid => new StoreInvalid(table.name, name, reason);
  switch (column.kind) {
    case "string":
    case "text":
      if (typeof value !== "string") throw fault("must be a string");
      if (column.length !== undefined && value.length > column.length) {
        throw fault(`longer than ${column.length} characters`);
      }
      if (value.includes("\0") || HALF_PAIR.test(value))
        throw fault("holds a character that not every database can store");
      return value;
    case "int":
    case "bigint":
      if (typeof value !== "number" || !Number.isSafeInteger(value)) throw fault("must be a whole number");
      if (column.kind === "int" && Math.abs(value) > MAX_INT) throw fault("does not fit 32 bits");
      // Negative zero exists in JavaScript only.
      return value === 0 ? 0 : value;
    case "flag":
      if (typeof value !== "boolean") throw fault("must be true or false");
      return value;
    case "time":
      if (!(value instanceof Date) || !(value.getTime() >= FIRST_TIME && value.getTime() <= LAST_TIME)) {
        throw fault("must be a valid time");
      }
      return new Date(value);
  }
}

/** The order every database is told to use: null first, strings by code point (as their UTF-8 bytes sort). */
export function compareValues(left: Value, right: Value): number {
  if (left === null || right === null) return Number(left !== null) - Number(right !== null);
  if (typeof left === "string" && typeof right === "string")
    return Buffer.compare(Buffer.from(left), Buffer.from(right));
  return Number(left) - Number(right);
}
