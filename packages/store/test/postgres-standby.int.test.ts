/**
 * A PostgreSQL server with a synchronous standby, at an address that moves: what was acknowledged, or found when it was asked
 * for, is there after a failover, once.
 */
import { writeFile } from "node:fs/promises";
import { createSystemClock, silentLogger, systemRng } from "@castellan/kernel";
import type { Gateway } from "@castellan/store";
import { openGateway, openSnapshot, type SnapshotOptions } from "@castellan/store/typeorm";
import {
  eventually,
  type FaultProxy,
  faultProxy,
  type Postgres,
  postgres,
  postgresBinaries,
  type TempHome,
  tempHome,
} from "@castellan/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { counterRow, countOf, countUp, outcomeOf, streamOf } from "./stream.ts";

const missing = postgresBinaries() === undefined ? " (skipped: install Debian's postgresql to run it)" : "";

describe.skipIf(missing !== "")(`a PostgreSQL server with a standby${missing}`, () => {
  let primary: Postgres;
  let standby: Postgres;
  let address: FaultProxy;
  let home: TempHome;
  let options: SnapshotOptions;
  let gateway: Gateway;
  beforeEach(async () => {
    primary = await postgres();
    const database = await primary.database();
    standby = await postgres({ standbyOf: primary, settings: { wal_retrieve_retry_interval: "100ms" } });
    await primary.sql("ALTER SYSTEM SET synchronous_standby_names = '*'");
    await primary.sql("SELECT pg_reload_conf()");
    await eventually(async () => (await primary.sql("SELECT sync_state FROM pg_stat_replication")) === "sync");
    address = await faultProxy(primary);
    home = await tempHome();
    await writeFile(home.path("password"), `${database.password}\n`);
    const url = new URL(database.url);
    url.port = String(address.port);
    options = {
      url: url.href,
      passwordFile: home.path("password"),
      clock: createSystemClock(),
      rng: systemRng,
      logger: silentLogger,
      onBrokenValue: () => undefined,
    };
    gateway = await openGateway({ ...options, migrate: "ifEmpty" });
    await gateway.commit([counterRow(1)]);
  });
  afterEach(async () => {
    await gateway?.close();
    await address?.stop();
    await standby?.stop();
    await primary?.stop();
    await home?.remove();
  });

  it("dies and the standby is promoted: the stream of commits goes on, and each is there once", async () => {
    address.redirect(standby);
    for (const ask of [() => countOf(gateway, 1), () => gateway.commit([countUp(1, 0)]), () => openSnapshot(options)]) {
      expect(await outcomeOf(ask()), "too early").toMatchObject({
        code: "STORE_UNAVAILABLE",
        message: expect.stringMatching(/standby that was not promoted; .*connect to the primary/),
      });
    }
    address.redirect(primary);
    const stream = streamOf(gateway, 1);
    await goesOn(stream, 20);
    await primary.kill9();
    await standby.sql("SELECT pg_promote()");
    address.redirect(standby);
    await goesOn(stream, 20);
    await stream.stop();
    expect(await countOf(gateway, 1)).toBe(stream.count);
  });

  it("tells of no commit that its standby has not got: it is in doubt until the standby has it, or has taken over without it", async () => {
    await standby.kill9();
    expect(await outcomeOf(gateway.commit([countUp(1, 0)]))).toMatchObject({ code: "STORE_AMBIGUOUS" });
    expect(await outcomeOf(countOf(gateway, 1))).toMatchObject({ code: "STORE_UNAVAILABLE" });
    await standby.restart();
    const found = await eventually(async () => [await countOf(gateway, 1)], { withinMs: 60_000 });
    expect(found).toEqual([1]);

    await standby.kill9();
    expect(await outcomeOf(gateway.commit([countUp(1, 1)]))).toMatchObject({ code: "STORE_AMBIGUOUS" });
    await primary.kill9();
    await primary.restart();
    expect(await outcomeOf(countOf(gateway, 1)), "nor when it was started again").toMatchObject({
      code: "STORE_UNAVAILABLE",
    });
    await primary.kill9();
    await standby.restart();
    await standby.sql("SELECT pg_promote()");
    address.redirect(standby);
    expect(await countOf(gateway, 1)).toBe(1);
    expect(await gateway.commit([countUp(1, 1)])).toEqual([1]);
  });
});

async function goesOn(stream: { readonly count: number }, by: number): Promise<void> {
  const from = stream.count;
  await eventually(() => stream.count >= from + by, { withinMs: 60_000, describe: "the stream goes on" });
}
