/**
 * The suite on SQL Server's protocol in front of H2, through the unmodified driver: emulated. What that does not show is written in
 * `testkit/src/tds/translate.ts`; `mssql-real.int.test.ts` runs the same on a real server.
 */
import { writeFile } from "node:fs/promises";
import type { Gateway } from "@castellan/store";
import { tables } from "@castellan/store";
import { describeGateway, describeModel, type TestDatabase } from "@castellan/store/testing";
import type { OpenGatewayOptions } from "@castellan/store/typeorm";
import { startTdsDouble, TDS_USER, type TdsDouble, type TempHome, tempHome } from "@castellan/testkit";
import { afterAll, beforeAll, describe } from "vitest";
import { openHere } from "./open-here.ts";

describe("SQL Server (H2 through a TDS double, emulated)", () => {
  let server: TdsDouble;
  let home: TempHome;
  let shared: string;
  const opened: Gateway[] = [];

  beforeAll(async () => {
    server = await startTdsDouble();
    home = await tempHome();
    await writeFile(home.path("password"), `${TDS_USER.password}\n`);
    shared = server.database().url;
  });
  afterAll(async () => {
    await server.stop();
    await home.remove();
  });

  const open = async (url: string, over: Partial<OpenGatewayOptions> = {}): Promise<Gateway> => {
    const gateway = await openHere({
      url,
      passwordFile: home.path("password"),
      ...over,
    });
    opened.push(gateway);
    return gateway;
  };
  const close = async (): Promise<void> => {
    await Promise.all(opened.splice(0).map((gateway) => gateway.close()));
  };

  /** The suite's database is emptied after each test. */
  const emptied = async (): Promise<TestDatabase> => ({
    open: () => open(shared),
    async remove() {
      await server.sql(
        shared,
        Object.keys(tables)
          .toReversed()
          .map((name) => `DELETE FROM "${name}"`),
      );
      await close();
    },
  });
  describeGateway("mssql (H2 through a TDS double, emulated)", emptied);
  describeModel("mssql (H2 through a TDS double, emulated)", emptied, 40);
});
