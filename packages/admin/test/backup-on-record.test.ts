import { describe, expect, it } from "vitest";
import { problemOf } from "../src/upgrade/backup.ts";

const HOUR = 3_600_000;
const now = new Date("2026-05-04T12:00:00Z");
const ago = (hours: number): Date => new Date(now.getTime() - hours * HOUR);

describe("a backup on record", () => {
  it("is one to rely on for a day", () => {
    expect(problemOf(ago(0), [], now)).toBeNull();
    expect(problemOf(ago(24), [ago(25)], now)).toBeNull();
    expect(problemOf(ago(24.1), [], now)).toBe("older than a day");
  });

  it("is none once the schema has become another", () => {
    expect(problemOf(ago(2), [ago(1)], now)).toBe("of before the schema was last changed");
    expect(problemOf(ago(2), [ago(3), ago(2)], now)).toBe("of before the schema was last changed");
  });
});
