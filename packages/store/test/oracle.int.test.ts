/** The suite on Oracle's dialect. Emulated: what that leaves open is said in `testkit/src/oracle`. */
import { describeGateway, describeModel } from "@castellan/store/testing";
import { SCHEMA_VERSION } from "@castellan/store/typeorm";
import { type H2, startH2 } from "@castellan/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LABEL, oracleOn, type TestOracle } from "./oracle-h2.ts";

let h2: H2;
let shared: TestOracle;
let databases = 0;
beforeAll(async () => {
  h2 = await startH2({ mode: "Oracle" });
  shared = oracleOn(h2, "shared");
});
afterAll(() => h2.stop());

const make = (): TestOracle => {
  databases += 1;
  return oracleOn(h2, `own${databases}`);
};
const emptied = async () => ({ open: () => shared.open(), remove: () => shared.empty() });

describeGateway(LABEL, emptied);
describeModel(LABEL, emptied);

describe(`a schema on ${LABEL}`, () => {
  it("is migrated once, however many come at the same moment", async () => {
    const database = make();
    await Promise.all(Array.from({ length: 4 }, () => database.open({ migrate: "always" })));
    const versions = await database.sql(`SELECT "VERSION" FROM "SCHEMA_VERSION" ORDER BY "VERSION"`);
    expect(versions.map(([version]) => version)).toEqual(Array.from({ length: SCHEMA_VERSION }, (_, at) => at + 1));
    await database.remove();
    expect(database.double.sessions()).toBe(0);
  });
});
