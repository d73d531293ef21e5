import { describe, expect, it } from "vitest";
import { type FoundVersion, fitOf, needsMigration, SCHEMA_VERSION } from "../src/typeorm/version.ts";

const NEWER: FoundVersion = { version: SCHEMA_VERSION + 3, usableFrom: SCHEMA_VERSION };
const TOO_NEW: FoundVersion = { version: SCHEMA_VERSION + 3, usableFrom: SCHEMA_VERSION + 1 };

describe("a program and a schema", () => {
  it.each([
    [0, 0, "empty"],
    [1, 1, "older"],
    [4, 1, "older"],
    [5, 1, "same"],
    [5, 5, "same"],
    [6, 5, "ahead"],
    [9, 1, "ahead"],
    [6, 6, "too-new"],
    // Retired: no program is to use it, whatever its version.
    [5, 2_147_483_647, "too-new"],
  ] as const)("of version %i, usable from %i, for a program that needs 5: %s", (version, usableFrom, fit) => {
    expect(fitOf({ version, usableFrom }, 5)).toBe(fit);
  });

  it.each(["never", "ifEmpty", "always"] as const)("go on together while the schema admits it: %s", (mode) => {
    expect(needsMigration("db", { version: SCHEMA_VERSION, usableFrom: 1 }, mode)).toBe(false);
    expect(needsMigration("db", NEWER, mode)).toBe(false);
    expect(() => needsMigration("db", TOO_NEW, mode)).toThrow(/install the newer program/);
  });

  it("are not copied by a program that does not know all of the schema", () => {
    expect(needsMigration("db", { version: SCHEMA_VERSION, usableFrom: 1 }, "whole")).toBe(false);
    expect(() => needsMigration("db", NEWER, "whole")).toThrow(/a copy of it would not hold all/);
    for (const older of [0, SCHEMA_VERSION - 1])
      expect(() => needsMigration("db", { version: older, usableFrom: older }, "whole")).toThrow(
        /no schema|older than/,
      );
    expect(needsMigration("db", { version: 0, usableFrom: 0 }, "toFill")).toBe(true);
    expect(needsMigration("db", { version: SCHEMA_VERSION, usableFrom: 1 }, "toFill")).toBe(false);
    expect(() => needsMigration("db", NEWER, "toFill")).toThrow(
      /rows that this program does not see; install the newer/,
    );
  });

  it("are brought together only by a program that may", () => {
    expect(needsMigration("db", { version: 0, usableFrom: 0 }, "ifEmpty")).toBe(true);
    for (const mode of ["never", "asItIs"] as const) {
      expect(() => needsMigration("db", { version: 0, usableFrom: 0 }, mode)).toThrow(/holds no schema yet/);
    }
    const older = { version: SCHEMA_VERSION - 1, usableFrom: 1 };
    for (const mode of ["never", "ifEmpty"] as const) {
      expect(() => needsMigration("db", older, mode)).toThrow(/run `castellan upgrade` on the master's server/);
    }
    expect(needsMigration("db", older, "always")).toBe(true);
    expect(needsMigration("db", older, "asItIs")).toBe(false);
  });
});
