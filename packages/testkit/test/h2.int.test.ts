import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type H2, startH2 } from "../src/index.ts";

describe("H2", () => {
  let h2: H2;
  beforeAll(async () => {
    h2 = await startH2({ mode: "Oracle" });
  });
  afterAll(() => h2.stop());

  it("keeps what went in, and says what columns are", async () => {
    const session = await h2.session("values");
    await session.run(
      "CREATE TABLE T (N NUMBER(19) NOT NULL, S VARCHAR2(20 CHAR), C CLOB, T TIMESTAMP(3) WITH TIME ZONE)",
    );
    const text = 'äß€ 👩‍🚀\n"\\\u0001';
    const wide = "9007199254740993";
    await session.run("INSERT INTO T VALUES (?, ?, ?, ?)", [1, "", text, "2026-11-22T12:00:00.123Z"]);
    await session.run("INSERT INTO T VALUES (?, ?, ?, ?)", [wide, null, null, null]);
    const { columns, rows, touched } = await session.run("SELECT * FROM T ORDER BY N");
    expect(touched).toBeNull();
    expect(columns[0]).toMatchObject({ name: "N", type: "NUMERIC", precision: 19, scale: 0, nullable: false });
    expect(rows).toEqual([
      [1, null, text, "2026-11-22T12:00:00.123Z"],
      [wide, null, null, null],
    ]);
  });

  it("has sessions with transactions that wait for each other, and rolls back what a closed one left open", async () => {
    const [one, two] = [await h2.session("locks"), await h2.session("locks")];
    await one.run("CREATE TABLE T (ID INT PRIMARY KEY, N INT)");
    await one.run("INSERT INTO T VALUES (1, 0)");
    await one.begin();
    expect((await one.run("UPDATE T SET N = 1")).touched).toBe(1);
    await expect(two.run("UPDATE T SET N = 2")).rejects.toMatchObject({ code: 50200 });
    await two.run("SET LOCK_TIMEOUT 60000");
    const waiting = two.run("UPDATE T SET N = N + 10");
    await one.commit();
    expect((await waiting).touched).toBe(1);
    await one.begin();
    await one.run("UPDATE T SET N = 99");
    await one.close();
    expect((await two.run("SELECT N FROM T")).rows).toEqual([[11]]);
    await expect(two.run("INSERT INTO T VALUES (1, 1)")).rejects.toMatchObject({ name: "H2Error", code: 23505 });
  });

  it("that has stopped refuses by name", async () => {
    const other = await startH2({ mode: "MSSQLServer" });
    const session = await other.session();
    await session.run("SELECT 1");
    await other.stop();
    await expect(session.run("SELECT 1")).rejects.toMatchObject({ code: "H2_MISSING" });
  });
});
