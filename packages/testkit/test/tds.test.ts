/** The parts of the TDS double that decide something: control flow, expressions, what H2 is told instead, locks by name. */
import { describe, expect, it } from "vitest";
import { H2Error } from "../src/h2.ts";
import { createAppLocks } from "../src/tds/app-locks.ts";
import { ByteReader, ByteWriter } from "../src/tds/bytes.ts";
import { asServerError, SqlServerError } from "../src/tds/errors.ts";
import { evaluate } from "../src/tds/expression.ts";
import { parseScript } from "../src/tds/script.ts";
import { translate } from "../src/tds/translate.ts";
import { readParameter } from "../src/tds/values.ts";

describe("a script", () => {
  it("is split into its control flow; all else goes on as it stands", () => {
    const steps = parseScript(`SET NOCOUNT, XACT_ABORT ON;
DECLARE @at int = 0, @words nvarchar(max), @text nvarchar(max) = N'a;b, ''c''';
BEGIN TRY
  BEGIN TRANSACTION;
  WHILE @at < 3
  BEGIN
    SET @at = @at + 1;
    IF @at <> 2 THROW 50001, N'missed', 1;
  END;
  COMMIT TRANSACTION;
END TRY
BEGIN CATCH
  IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION;
  SELECT ERROR_NUMBER() AS refused, @at AS reached;
END CATCH;
SELECT "a;" FROM "t" WHERE "b" = N';'`);
    expect(steps.map(({ kind }) => kind)).toEqual(["option", "block", "try", "sql"]);
    expect(steps[1]).toMatchObject({
      steps: [
        { name: "@at", value: "0" },
        { name: "@words", value: "NULL" },
        { name: "@text", value: "N'a;b, ''c'''" },
      ],
    });
    expect(steps[2]).toMatchObject({
      body: { steps: [{ what: "begin" }, { kind: "while", condition: "@at < 3" }, { what: "commit" }] },
      handler: {
        steps: [
          { kind: "if", body: { what: "rollback" } },
          { kind: "select", items: [{ name: "refused" }, { name: "reached" }] },
        ],
      },
    });
    expect(steps[3]).toEqual({ kind: "sql", text: `SELECT "a;" FROM "t" WHERE "b" = N';'` });
  });

  it("that lacks an END is refused", () => {
    expect(() => parseScript("WHILE 1 = 1 BEGIN SET @a = 1;")).toThrow(/misses an END/);
  });
});

describe("an expression", () => {
  const scope = {
    variable: (name: string) => ({ "@two": 2, "@none": null })[name] ?? null,
    call: (name: string, args: readonly unknown[]) => `${name}:${args.join("|")}`,
  };
  it.each([
    ["@two + 1", 3],
    ["@two = 2 AND 1 <> 1", false],
    ["@two = 2 OR @none = 1", true],
    ["@two <> @none", null],
    ["@none IS NULL", true],
    ["@two IS NOT NULL", true],
    ["N'it''s' + 'x'", "it'sx"],
    ["CAST('12' AS int) >= 12", true],
    ["CONCAT(N' ', @two)", "CONCAT: |2"],
    ["-1 < 0", true],
    ["(@two)", 2],
  ])("%s", (source, value) => {
    expect(evaluate(source, scope)).toBe(value);
  });

  it("with something left over is refused", () => {
    expect(() => evaluate("1 2", scope)).toThrow(SyntaxError);
  });
});

describe("what H2 is told", () => {
  const params = new Map([
    ["@p", '["x",7,null]'],
    ["@0", "y"],
  ]);
  it.each([
    [
      `UPDATE "t" SET "n" = CAST(JSON_VALUE(@p, '$[1]') AS bigint) WHERE "s" = @0`,
      `UPDATE "t" SET "n" = CAST(? AS bigint) WHERE "s" = ?`,
      [7, "y"],
    ],
    [
      "INSERT INTO \"t\" SELECT (SELECT [value] FROM OPENJSON(@p) WHERE [key] = N'0')",
      'INSERT INTO "t" SELECT ?',
      ["x"],
    ],
    [`SELECT JSON_VALUE(@p, '$[2]')`, "SELECT ?", [null]],
    [
      'CREATE TABLE "t" ("s" nvarchar(9) COLLATE Latin1_General_100_BIN2)',
      'CREATE TABLE "t" ("row$" BIGINT GENERATED ALWAYS AS IDENTITY, "s" nvarchar(9))',
      [],
    ],
    [
      'WITH "doomed" AS (SELECT TOP (5) * FROM "t" WHERE "a" = @0 ORDER BY "b") DELETE FROM "doomed"',
      'DELETE FROM "t" WHERE _ROWID_ IN (SELECT TOP (5) _ROWID_ FROM "t" WHERE "a" = ? ORDER BY "b")',
      ["y"],
    ],
  ])("%s", (text, sql, values) => {
    expect(translate(text, params)).toEqual([{ sql, params: values }]);
  });

  it("of a filtered index is one in which rows outside of the filter never meet", () => {
    const texts = translate('CREATE UNIQUE INDEX "uq" ON "t" ("a", "b") WHERE "a" IS NOT NULL', params).map(
      ({ sql }) => sql,
    );
    expect(texts).toHaveLength(4);
    expect(texts.at(-1)).toBe('CREATE UNIQUE INDEX "uq" ON "t" ("uq$0", "uq$1", "uq$")');
  });
});

describe("a refusal", () => {
  it.each([
    [23_505, 'violation: "PRIMARY KEY ON PUBLIC.t(id)"', 2627],
    [23_505, 'violation: "PUBLIC.uq ON PUBLIC.t(a)"', 2601],
    [23_506, "x", 547],
    [50_200, "x", 1222],
    [42_102, "x", 208],
    [90_000, "x", 50_000],
  ])("of H2, %i %s, has SQL Server's number %i", (code, message, number) => {
    expect(asServerError(new H2Error({ code, state: "x", message }))).toMatchObject({ number });
  });

  it("is no defect of the double", () => {
    expect(asServerError(new SqlServerError(266, "x"))).toMatchObject({ number: 266 });
    expect(() => asServerError(new TypeError("x"))).toThrow(TypeError);
  });
});

describe("a lock by name", () => {
  it("is had by one, waited for in order, given up in time, and had again by its owner", async () => {
    const locks = createAppLocks();
    const [one, two, three] = [{}, {}, {}];
    expect(await locks.take("a", one, 0)).toBe(0);
    expect(await locks.take("a", one, 0)).toBe(0);
    expect(await locks.take("b", two, 0)).toBe(0);
    expect(await locks.take("a", two, 1)).toBe(-1);
    const next = [locks.take("a", two, 60_000), locks.take("a", three, 60_000)];
    locks.release("a", one);
    locks.release("a", three); // not its own
    locks.releaseAll(one);
    expect(await next[0]).toBe(1);
    locks.releaseAll(two);
    expect(await next[1]).toBe(1);
    expect(await locks.take("b", three, 0)).toBe(0);
  });
});

const wide = (value: bigint): ByteReader => new ByteReader(new ByteWriter().bytes([0x26, 8, 8]).i64(value).done());

describe("a parameter on the wire", () => {
  it("of eight bytes is a number while it can be one", () => {
    expect(readParameter(wide(-7n))).toBe(-7);
    expect(readParameter(wide(2n ** 60n))).toBe(String(2n ** 60n));
    expect(() => readParameter(new ByteReader(Buffer.from([0x24])))).toThrow(/type 0x24/);
    expect(() => readParameter(new ByteReader(Buffer.from([0x26, 8, 8, 1])))).toThrow(RangeError);
  });
});
