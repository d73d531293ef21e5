/** Which ends of a worker are final: those of a real schema of another version among them. */
import { CastellanError, createSystemClock, silentLogger, systemRng } from "@castellan/kernel";
import { openGateway } from "@castellan/store/typeorm";
import { type TempHome, tempHome } from "@castellan/testkit";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { mayNotRun } from "../src/pair/refusal.ts";

let temp: TempHome;
beforeEach(async () => {
  temp = await tempHome();
});
afterEach(() => temp.remove());

const open = (migrate: "never" | "always") =>
  openGateway({
    url: `sqlite:${temp.path("node.db")}`,
    clock: createSystemClock(),
    rng: systemRng,
    logger: silentLogger,
    migrate,
  });
const refusal = async (): Promise<Error> =>
  await open("never").then(
    () => new Error("it was opened"),
    (thrown: Error) => thrown,
  );

describe("a sentinel", () => {
  it.each([
    ["older than its program", "DELETE FROM schema_version WHERE version > 1", "run `castellan upgrade`"],
    ["newer than its program", "UPDATE schema_version SET version = 99, usable_from = 99", "install the newer program"],
  ])("ends for good on a schema that is %s, and says what to do", async (_which, statement, remedy) => {
    await (await open("always")).close();
    const database = new Database(temp.path("node.db"));
    if (statement.startsWith("UPDATE")) database.exec("DELETE FROM schema_version WHERE version = 1");
    database.exec(statement);
    database.close();
    const error = await refusal();
    expect(error.message).toContain(remedy);
    expect(mayNotRun(error)).toBe(true);
  });

  it("waits for a schema that is not there, and for whatever else passes", async () => {
    const error = await refusal();
    expect(error).toMatchObject({ code: "SCHEMA" });
    expect(mayNotRun(error)).toBe(false);
    const passing = new CastellanError("STORE_UNAVAILABLE", "away", { retryable: true });
    expect([passing, new Error("a defect")].map(mayNotRun)).toEqual([false, false]);
  });
});
