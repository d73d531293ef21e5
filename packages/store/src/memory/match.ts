/** The conditions of a read or a write, on a row in memory. */
import type { Test } from "../schema/checked.ts";
import { compareValues, type Value, type Values } from "../schema/values.ts";

export function matches(row: Values, tests: readonly Test[]): boolean {
  return tests.every((test) => holds(row[test.name] ?? null, test));
}

function holds(stored: Value, { comparison, values }: Test): boolean {
  const value = values[0] ?? null;
  switch (comparison) {
    case "is":
      return compareValues(stored, value) === 0;
    case "not":
      return compareValues(stored, value) !== 0;
    case "in":
      return stored !== null && values.some((one) => compareValues(stored, one) === 0);
    // Null is neither below nor above anything, and nothing is below or above null.
    case "below":
      return stored !== null && value !== null && compareValues(stored, value) < 0;
    case "above":
      return stored !== null && value !== null && compareValues(stored, value) > 0;
  }
}
