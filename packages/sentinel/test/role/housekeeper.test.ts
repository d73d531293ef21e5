import { createActorSystem } from "@castellan/actor";
import { createManualClock } from "@castellan/actor/testing";
import { createIdSource, createSeededRng, silentLogger } from "@castellan/kernel";
import { insert, update, type Write } from "@castellan/store";
import { describe, expect, it } from "vitest";
import { createHousekeeper } from "../../src/role/housekeeper.ts";
import { createFlaky, twoServers } from "./gateways.ts";

const MINUTE_MS = 60_000;
const LETTERS = 1200;

async function rig() {
  const clock = createManualClock();
  const { database, gateway } = await twoServers(clock);
  const flaky = createFlaky(database);
  const long = new Date(clock.now().getTime() - 5 * 365 * 24 * 60 * MINUTE_MS);
  const letter = (_: unknown, at: number): Write =>
    insert("audit_log", {
      id: `${at}`,
      happened_at: long,
      by_user: "ann",
      station: "hades",
      command: null,
      what: "start",
      details: "{}",
    });
  await gateway.commit(Array.from({ length: LETTERS }, letter));
  const newId = createIdSource(clock, createSeededRng(1));
  const system = createActorSystem({ host: "hades", clock, rng: createSeededRng(1), newId, logger: silentLogger });
  let deposed = 0;
  system.spawn(createHousekeeper({ gateway: flaky.gateway, epoch: 0, onDeposed: () => (deposed += 1) }), "housekeeper");
  const left = async (): Promise<number> => (await gateway.find("audit_log")).length;
  return { clock, flaky, gateway, left, deposed: () => deposed };
}

describe("the housekeeper", () => {
  it("begins a while after its master, and goes on in small steps until nothing old is left", async () => {
    const { clock, left } = await rig();
    await clock.run(MINUTE_MS);
    expect(await left()).toBe(LETTERS);
    await clock.run(MINUTE_MS + 100);
    expect(await left()).toBe(700);
    await clock.run(2000);
    expect(await left()).toBe(0);
  });

  it("leaves a database that is away alone for a while", async () => {
    const { clock, flaky, left } = await rig();
    flaky.fates.push("down");
    await clock.run(3 * MINUTE_MS);
    expect(await left()).toBe(LETTERS);
    await clock.run(10 * MINUTE_MS);
    expect(await left()).toBe(0);
  });

  it("removes nothing once another master rules, and says so", async () => {
    const { clock, gateway, left, deposed } = await rig();
    await gateway.commit([update("node_state", { id: 1 }, { epoch: 1 })]);
    await clock.run(30 * MINUTE_MS);
    expect(await left()).toBe(LETTERS);
    expect(deposed()).toBe(1);
  });
});
