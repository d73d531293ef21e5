/** What becomes of commits and readers when SQL Server refuses, breaks off or stands still: through the driver, on the TDS double. */
import { writeFile } from "node:fs/promises";
import { createSystemClock, silentLogger, systemRng } from "@castellan/kernel";
import { type Gateway, insert, StoreAmbiguous, update } from "@castellan/store";
import { type OpenGatewayOptions, openSnapshot } from "@castellan/store/typeorm";
import { eventually, startTdsDouble, TDS_USER, type TdsDouble, type TempHome, tempHome } from "@castellan/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { nodeStateRow, operationRow, stepRow } from "../src/testing/rows.ts";
import { openMssqlMigration } from "../src/typeorm/mssql/connection.ts";
import { mssqlSettings } from "../src/typeorm/mssql/settings.ts";
import { GIVEN_UP } from "./given-up.ts";
import { openHere } from "./open-here.ts";

let server: TdsDouble;
let home: TempHome;
let url: string;
let opened: Gateway[] = [];
beforeAll(async () => {
  server = await startTdsDouble();
  home = await tempHome();
});
afterAll(async () => {
  await server.stop();
  await home.remove();
});
beforeEach(async () => {
  url = server.database().url;
  await password(TDS_USER.password);
});
afterEach(async () => {
  await Promise.all(opened.map((gateway) => gateway.close()));
  opened = [];
  await eventually(() => server.connections === 0, { describe: "no connection is left" });
});

const password = (word: string): Promise<void> => writeFile(home.path("password"), `${word}\n`);

async function open(over: Partial<OpenGatewayOptions> = {}): Promise<Gateway> {
  const gateway = await openHere({
    url,
    passwordFile: home.path("password"),
    ...over,
  });
  opened.push(gateway);
  return gateway;
}

const bump = update("node_state", { id: 1 }, { fence: { add: 1 } });
const fenceOf = async (gateway: Gateway) => (await gateway.find("node_state"))[0]?.fence;
/** As soon as it can be read: what is still under way may hold that up. */
const settledFence = async (gateway: Gateway) => (await eventually(() => gateway.find("node_state")))[0]?.fence;
const caught = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );

describe("SQL Server (H2 through a TDS double, emulated)", () => {
  it("is migrated once, however many come at the same moment", async () => {
    await Promise.all(Array.from({ length: 4 }, () => open({ migrate: "always" })));
    const [versions] = await server.sql(url, ['SELECT "version" FROM "schema_version" ORDER BY "version"']);
    expect(versions?.rows.length).toBeGreaterThan(0);
    expect(versions?.rows).toEqual(versions?.rows.map((_, at) => [at + 1]));
  });

  it("says who holds up a migration: one whose program stands still is ended by nobody but a person", async () => {
    const standing = await openMssqlMigration({ settings: mssqlSettings(url), passwordFile: home.path("password") });
    try {
      await expect(open({ migrate: "always" })).rejects.toMatchObject({
        code: "STORE_UNAVAILABLE",
        message: expect.stringMatching(/another migration is under way.*castellan migration.*KILL/),
      });
    } finally {
      await standing.rollback();
      await standing.close();
    }
    await open({ migrate: "always" });
  });

  it("names a wrong password and a database that is not there, and takes a password that was changed", async () => {
    await password("wrong");
    await expect(open()).rejects.toMatchObject({
      code: "STORE_FORBIDDEN",
      message: expect.stringContaining("passwordFile"),
    });
    await password(TDS_USER.password);
    await (await open()).close();
    const elsewhere = url.replace(/node\d+/, "nowhere");
    await expect(open({ url: elsewhere })).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
      message: expect.stringContaining("create it"),
    });
  });

  it("commits in one request, however much there is to write, and undoes all of it when a guard misses", async () => {
    const gateway = await open();
    await gateway.commit([insert("node_state", nodeStateRow()), insert("operation", operationRow("a"))]);
    // More than 2,100 values.
    const steps = Array.from({ length: 141 }, (_, at) => insert("operation_step", stepRow(`s${at}`, "a", at)));
    const before = server.requests;
    const missed = await caught(gateway.commit([...steps, update("node_state", { id: 2 }, { fence: 1 })]));
    expect(missed).toMatchObject({ code: "STORE_CONFLICT", index: 141 });
    expect(server.requests - before).toBe(1);
    expect(await gateway.find("operation_step")).toEqual([]);
    expect(await gateway.commit(steps)).toHaveLength(141);
    expect(server.requests - before).toBe(3);
  });

  it("is read at one moment while others write", async () => {
    const gateway = await open();
    await gateway.commit([insert("node_state", nodeStateRow())]);
    const snapshot = await openSnapshot({
      url,
      passwordFile: home.path("password"),
      clock: createSystemClock(),
      rng: systemRng,
      logger: silentLogger,
      onBrokenValue: () => undefined,
    });
    try {
      expect(await gateway.commit([bump])).toEqual([1]);
      expect(await fenceOf(gateway)).toBe(1);
      expect(await snapshot.find("node_state")).toMatchObject([{ fence: 0 }]);
    } finally {
      await snapshot.close();
    }
  });

  it("whose connection breaks under a commit leaves it unknown, until it has ended: then what is read is final", async () => {
    const gateway = await open();
    await gateway.commit([insert("node_state", nodeStateRow())]);
    const release = await server.hold(url, ['UPDATE "node_state" SET "fence" = 99']);
    const before = server.requests;
    const lost = caught(gateway.commit([bump]));
    await eventually(() => server.requests > before);
    server.disconnect();
    expect(await lost).toBeInstanceOf(StoreAmbiguous);
    // It still waits for the lock; nobody is told what the row is before it has given up.
    expect(await settledFence(gateway)).toBe(0);
    await release();
    expect(await fenceOf(gateway)).toBe(0);
    expect(await gateway.commit([bump])).toEqual([1]);
    expect(await fenceOf(gateway)).toBe(1);
  });

  it("whose connection breaks before a commit is sent leaves no doubt about that one: it is tried again", async () => {
    const gateway = await open();
    await gateway.commit([insert("node_state", nodeStateRow())]);
    const release = await server.hold(url, ['UPDATE "node_state" SET "fence" = 99']);
    let before = server.requests;
    const lost = caught(gateway.commit([bump]));
    await eventually(() => server.requests > before);
    server.disconnect();
    expect(await lost).toBeInstanceOf(StoreAmbiguous);
    before = server.requests;
    const next = gateway.commit([update("node_state", { id: 1 }, { epoch: 5 })]);
    // It asks first what became of the one before it; there it is cut off.
    await eventually(() => server.requests > before);
    server.disconnect();
    await release();
    expect(await next).toEqual([1]);
    expect(await gateway.find("node_state")).toMatchObject([{ epoch: 5 }]);
  });

  it("that stands still with a commit carries it out before it answers anything else, or never", async () => {
    const gateway = await open();
    await gateway.commit([insert("node_state", nodeStateRow())]);
    server.freeze();
    expect(await caught(gateway.commit([bump]))).toBeInstanceOf(StoreAmbiguous);
    server.thaw();
    const seen = await settledFence(gateway);
    for (let round = 0; round < 5; round += 1) expect(await fenceOf(gateway)).toBe(seen);
    expect(await gateway.commit([bump])).toEqual([1]);
    expect(await fenceOf(gateway)).toBe((seen ?? 0) + 1);
  });

  it("that breaks connections nobody uses is found again by the next read, and the next commit, that is tried", async () => {
    const gateway = await open();
    await gateway.commit([insert("node_state", nodeStateRow())]);
    for (let round = 1; round <= 3; round += 1) {
      server.disconnect();
      await eventually(() => server.connections === 0);
      expect(await settledFence(gateway)).toBe(round - 1);
      server.disconnect();
      expect(await eventually(() => gateway.commit([update("node_state", { id: 1 }, { fence: round })]))).toEqual([1]);
    }
  });

  it("whose row another one holds is waited for within a budget, and given up with nothing written", async () => {
    const gateway = await open();
    await gateway.commit([insert("node_state", nodeStateRow())]);
    const release = await server.hold(url, ['UPDATE "node_state" SET "fence" = 99']);
    try {
      await expect(gateway.commit([bump])).rejects.toMatchObject(GIVEN_UP);
    } finally {
      await release();
    }
    expect(await fenceOf(gateway)).toBe(0);
  });
});
