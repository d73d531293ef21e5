import { createActorSystem } from "@castellan/actor";
import { createManualClock } from "@castellan/actor/testing";
import { CastellanError, createIdSource, createSeededRng, silentLogger } from "@castellan/kernel";
import { type CommandRequest, ShutdownNotice } from "@castellan/protocol";
import { insert, update } from "@castellan/store";
import { describe, expect, it } from "vitest";
import { createForcedStop } from "../../src/operation/forced-stop.ts";
import { createFlaky, twoServers } from "../role/gateways.ts";

async function rig({ refusals = [] as CastellanError[] } = {}) {
  const clock = createManualClock();
  const { database, gateway } = await twoServers(clock);
  const flaky = createFlaky(database);
  const newId = createIdSource(clock, createSeededRng(1));
  const system = createActorSystem({ host: "hades", clock, rng: createSeededRng(1), newId, logger: silentLogger });
  const notices: ShutdownNotice[] = [];
  const shutdowns: CommandRequest[] = [];
  let deposed = 0;
  const master = (epoch: number, name: string) =>
    system.spawn(
      createForcedStop({
        gateway: flaky.gateway,
        epoch,
        events: { publish: (_subject, { data }) => void notices.push(ShutdownNotice.parse(data)) },
        shutdown: async (command) => {
          shutdowns.push(command);
          const refusal = refusals.shift();
          if (refusal !== undefined) throw refusal;
        },
        onDeposed: () => (deposed += 1),
      }),
      name,
    );
  master(0, "first");
  const announce = (inMs: number) =>
    gateway.commit([
      insert("forced_stop", {
        id: 1,
        request_id: "r1",
        requested_by: "ann",
        stop_at: new Date(clock.now().getTime() + inMs),
      }),
    ]);
  const left = async (): Promise<number> => (await gateway.find("forced_stop")).length;
  return { clock, flaky, gateway, notices, shutdowns, master, announce, left, deposed: () => deposed };
}

describe("an announced stop", () => {
  it("is told once, comes when it is time, once, and is over then", async () => {
    const { clock, notices, shutdowns, announce, left } = await rig();
    await announce(60_000);
    await clock.run(59_000);
    expect(notices).toMatchObject([{ inSeconds: 60, by: "ann" }]);
    expect(shutdowns).toEqual([]);
    await clock.run(5000);
    expect(shutdowns).toEqual([{ requestId: "r1", by: "ann", target: {}, options: {} }]);
    expect(await left()).toBe(0);
  });

  it("that is brought nearer is told again", async () => {
    const { clock, gateway, notices, shutdowns, announce } = await rig();
    await announce(60_000);
    await clock.run(2000);
    const stop_at = new Date(clock.now().getTime() + 3000);
    await gateway.commit([update("forced_stop", { id: 1 }, { stop_at, requested_by: "bob" })]);
    await clock.run(1000);
    expect(notices.map(({ by }) => by)).toEqual(["ann", "bob"]);
    await clock.run(3000);
    expect(shutdowns).toHaveLength(1);
  });

  it("outlives its master: the next one tells it again, and the first takes nothing away", async () => {
    const { clock, gateway, notices, shutdowns, announce, left, master, deposed } = await rig();
    await announce(10_000);
    await clock.run(1000);
    await gateway.commit([update("node_state", { id: 1 }, { epoch: 1 })]);
    master(1, "second");
    await clock.run(1000);
    expect(notices).toHaveLength(2);
    await clock.run(10_000);
    expect(deposed()).toBeGreaterThan(0);
    expect(new Set(shutdowns.map(({ requestId }) => requestId))).toEqual(new Set(["r1"]));
    expect(await left()).toBe(0);
  });

  it("is tried again while the database is away or something else is under way; what is refused for good is over", async () => {
    const busy = new CastellanError("BUSY", "busy", { retryable: true });
    const refused = new CastellanError("CYCLE", "no");
    const { clock, flaky, shutdowns, announce, left } = await rig({ refusals: [busy, busy, refused] });
    await announce(0);
    flaky.fates.push("down");
    await clock.run(1200);
    expect(await left()).toBe(1);
    await clock.run(5000);
    // The last one because taking the row away failed: the same request id is the same operation.
    expect(shutdowns).toHaveLength(4);
    expect(await left()).toBe(0);
  });
});
