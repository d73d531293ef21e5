import { tables } from "@castellan/store";
import { describe, expect, it } from "vitest";
import type { Shape } from "../src/schema/columns.ts";
import { postgres } from "../src/typeorm/dialects/postgres.ts";
import { sqlite } from "../src/typeorm/dialects/sqlite.ts";
import { migrations } from "../src/typeorm/migrations/index.ts";
import { SCHEMA_VERSION } from "../src/typeorm/version.ts";

const shapes = Object.values<Shape>(tables);

describe("the design of the tables", () => {
  it("has names that every database takes, each once", () => {
    const constraints = shapes.flatMap((shape) => [
      shape.primaryKey.name,
      ...shape.indexes.map((index) => index.name),
      ...shape.foreignKeys.map((key) => key.name),
    ]);
    expect(new Set(constraints).size).toBe(constraints.length);
    for (const name of constraints) expect(name).toMatch(/^(pk|uq|ix|fk)_[a-z_]{1,27}$/);
    for (const shape of shapes) {
      for (const name of [shape.name, ...Object.keys(shape.columns)]) expect(name).toMatch(/^[a-z][a-z_]{0,29}$/);
    }
  });

  it("has keys and indexes over columns that are there, and that SQL Server can hold in an index", () => {
    for (const { name, columns, primaryKey, indexes } of shapes) {
      for (const keyed of [primaryKey.columns, ...indexes.map((index) => index.columns)]) {
        expect(keyed.length, name).toBeGreaterThan(0);
        for (const column of keyed) expect(columns[column]?.kind, `${name}.${column}`).toMatch(/string|int|flag|time/);
        const characters = keyed.reduce((sum, column) => sum + (columns[column]?.length ?? 8), 0);
        expect(characters, name).toBeLessThanOrEqual(450);
      }
      for (const column of primaryKey.columns) expect(columns[column]?.nullable, `${name}.${column}`).toBe(false);
    }
  });

  it("keeps strings that may be full within Oracle's 4000 bytes", () => {
    for (const { name, columns } of shapes) {
      for (const [column, { kind, length }] of Object.entries(columns)) {
        if (kind !== "string") continue;
        // The two longest hold paths and summaries, which are nearly always ASCII.
        expect(length, `${name}.${column}`).toBeLessThanOrEqual(1024);
      }
    }
  });

  it("lists tables after the ones they refer to, by their primary key", () => {
    const seen = new Map<string, Shape>();
    for (const shape of shapes) {
      for (const { references } of shape.foreignKeys) {
        expect(references.columns).toEqual(seen.get(references.table)?.primaryKey.columns);
      }
      seen.set(shape.name, shape);
    }
  });
});

describe("migrations", () => {
  it("are numbered without gaps up to what the program needs", () => {
    expect(migrations.map(({ version }) => version)).toEqual(Array.from({ length: SCHEMA_VERSION }, (_, at) => at + 1));
  });
});

const driverError = (code: string, message = "x"): Error => Object.assign(new Error(message), { code });

describe("an error of a driver", () => {
  it.each([
    ["SQLITE_CONSTRAINT_UNIQUE", "duplicate"],
    ["SQLITE_CONSTRAINT_PRIMARYKEY", "duplicate"],
    ["SQLITE_CONSTRAINT_FOREIGNKEY", "reference"],
    ["SQLITE_CONSTRAINT_NOTNULL", "defect"],
    ["SQLITE_BUSY", "busy"],
    ["SQLITE_BUSY_SNAPSHOT", "busy"],
    ["SQLITE_BUSY_RECOVERY", "busy"],
    ["SQLITE_FULL", "unavailable"],
    ["SQLITE_IOERR_WRITE", "unavailable"],
    ["SQLITE_READONLY_DBMOVED", "unavailable"],
    ["SQLITE_CANTOPEN", "unavailable"],
    ["SQLITE_MISUSE", "defect"],
  ])("%s of SQLite means %s", (code, kind) => {
    expect(sqlite.classify(driverError(code))).toMatchObject({ kind });
  });

  it.each([
    ["23505", "duplicate"],
    ["23503", "reference"],
    ["23502", "defect"],
    ["40P01", "busy"],
    ["40001", "busy"],
    ["55P03", "busy"],
    ["57P01", "unavailable"],
    ["57014", "unavailable"],
    ["53100", "unavailable"],
    ["25006", "unavailable"],
    ["57P03", "busy"],
    ["28P01", "forbidden"],
    ["28000", "forbidden"],
    ["42501", "forbidden"],
    ["3D000", "unavailable"],
    ["42P01", "schema"],
    ["42601", "defect"],
    ["22003", "defect"],
    ["ECONNREFUSED", "unavailable"],
    ["EPIPE", "unavailable"],
    ["ENOTFOUND", "unavailable"],
  ])("%s of PostgreSQL means %s", (code, kind) => {
    expect(postgres.classify(driverError(code))).toMatchObject({ kind });
  });

  it.each(["timeout exceeded when trying to connect", "Connection terminated unexpectedly", "Query read timeout"])(
    "without a code, of pg, is known by its words: %s",
    (message) => {
      expect(postgres.classify(new Error(message))).toMatchObject({ kind: "unavailable" });
    },
  );

  it.each([
    ["57P01", "x", true],
    ["08006", "x", true],
    ["ECONNREFUSED", "x", true],
    ["", "Connection terminated unexpectedly", true],
    ["57014", "x", false],
    ["ENOTFOUND", "x", false],
    ["", "Query read timeout", false],
  ])("of a connection may be gone with the next one, or not: %s %s %s", (code, message, passing) => {
    expect(postgres.classify(code === "" ? new Error(message) : driverError(code))).toMatchObject({ passing });
  });

  it("that asks for a password where there is none is one of rights", () => {
    const asked = new Error("SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string");
    expect(postgres.classify(asked)).toMatchObject({ kind: "forbidden" });
  });

  it("that nobody knows is thrown on", () => {
    for (const dialect of [sqlite, postgres]) {
      expect(dialect.classify(new TypeError("x is not a function"))).toEqual({ kind: "defect" });
      expect(dialect.classify(undefined)).toEqual({ kind: "defect" });
    }
  });
});
