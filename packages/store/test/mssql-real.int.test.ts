/**
 * The suite on a SQL Server of somebody's: TEST_MSSQL_URL names an empty database, TEST_MSSQL_PASSWORD_FILE the file with
 * the password. Set but not reachable is a failure. Its tables are dropped afterwards.
 */
import { type Gateway, tables } from "@castellan/store";
import { describeGateway, describeModel, type TestDatabase } from "@castellan/store/testing";
import { testRun } from "@castellan/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openMssqlMigration } from "../src/typeorm/mssql/connection.ts";
import { mssqlSettings } from "../src/typeorm/mssql/settings.ts";
import { openHere } from "./open-here.ts";

const { url, passwordFile } = testRun().mssql ?? { url: "" };
const missing = url === "" ? " (not run: set TEST_MSSQL_URL to an empty database to run it)" : "";

describe.skipIf(url === "")(`mssql (real)${missing}`, () => {
  const opened: Gateway[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(opened.splice(0).map((gateway) => gateway.close()));
  };
  const childrenFirst = Object.keys(tables).toReversed();
  const dropped = [...childrenFirst, "schema_version"].map((name) => `DROP TABLE IF EXISTS "${name}"`);
  beforeAll(() => run(dropped));
  afterAll(() => run(dropped));

  const open = async (): Promise<Gateway> => {
    const gateway = await openHere({
      url,
      ...(passwordFile !== undefined && { passwordFile }),
    });
    opened.push(gateway);
    return gateway;
  };
  const emptied = async (): Promise<TestDatabase> => ({
    open,
    async remove() {
      await close();
      await run(childrenFirst.map((name) => `DELETE FROM "${name}"`));
    },
  });
  it("is reached", async () => {
    const gateway = await open();
    expect(await gateway.find("node_state")).toEqual([]);
    await close();
  });
  describeGateway("mssql (real)", emptied);
  describeModel("mssql (real)", emptied);
});

/** By hand, in one transaction. */
async function run(statements: readonly string[]): Promise<void> {
  const session = await openMssqlMigration({ settings: mssqlSettings(url), passwordFile: passwordFile ?? null });
  try {
    for (const statement of statements) await session.run(statement);
    await session.commit();
  } finally {
    await session.close();
  }
}
