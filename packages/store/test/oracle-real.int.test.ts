/**
 * The suite on a real Oracle: `TEST_ORACLE_URL=oracle://USER@HOST:PORT/SERVICE`, with the password in `TEST_ORACLE_PASSWORD_FILE`.
 * The user must own nothing that is worth keeping: its tables of ours are emptied after each test and dropped at the end.
 */
import { createSystemClock, silentLogger, systemRng } from "@castellan/kernel";
import { type Gateway, tables } from "@castellan/store";
import { describeGateway, describeModel, type TestDatabase } from "@castellan/store/testing";
import { surveyDatabase } from "@castellan/store/typeorm";
import { testRun } from "@castellan/testkit";
import { afterAll, describe, expect, it } from "vitest";
import { TICKET_TABLE } from "../src/typeorm/oracle/commit-block.ts";
import { loadOracle } from "../src/typeorm/oracle/driver.ts";
import { LOCK_TABLE } from "../src/typeorm/oracle/migration.ts";
import { openSession } from "../src/typeorm/oracle/session.ts";
import { openHere } from "./open-here.ts";

const { oracle } = testRun();
const LABEL = "oracle (real)";
const missing = oracle === null ? " (not run: set TEST_ORACLE_URL to run it)" : "";

describe.skipIf(oracle === null)(`${LABEL}${missing}`, () => {
  const address = oracle ?? { url: "" };
  const clock = createSystemClock();
  const opened: Gateway[] = [];

  /** By hand, beside the gateway. */
  async function run(statements: readonly string[]): Promise<void> {
    const { session } = await openSession(loadOracle(), { passwordFile: null, ...address }, clock);
    try {
      for (const sql of statements) await session.execute(sql, [], { autoCommit: true });
    } finally {
      await session.close();
    }
  }
  const names = Object.keys(tables).map((name) => name.toUpperCase());
  const emptied = async (): Promise<TestDatabase> => ({
    async open() {
      const gateway = await openHere(address);
      opened.push(gateway);
      return gateway;
    },
    async remove() {
      await Promise.all(opened.splice(0).map((gateway) => gateway.close()));
      await run(names.toReversed().map((name) => `DELETE FROM "${name}"`));
    },
  });
  afterAll(async () => {
    await run(
      [...names, "SCHEMA_VERSION", TICKET_TABLE, LOCK_TABLE].toReversed().map((name) => `DROP TABLE "${name}" PURGE`),
    );
  });

  describeGateway(LABEL, emptied);
  describeModel(LABEL, emptied);

  it("says what it is", async () => {
    const survey = await surveyDatabase({ ...address, clock, rng: systemRng, logger: silentLogger });
    expect(survey.server).toMatch(/^Oracle \d+/);
    expect(Math.abs(survey.skew?.ms ?? Number.NaN)).toBeLessThan(60_000);
  });
});
