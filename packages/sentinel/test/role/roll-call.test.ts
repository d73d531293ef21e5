import { type ActorRef, createActorSystem } from "@castellan/actor";
import { createManualClock } from "@castellan/actor/testing";
import { createIdSource, createSeededRng, silentLogger } from "@castellan/kernel";
import type { Alert, AlertPhase } from "@castellan/protocol";
import { insert, update, type Write } from "@castellan/store";
import { describe, expect, it } from "vitest";
import { createRollCall } from "../../src/role/roll-call.ts";
import { createFlaky, twoServers } from "./gateways.ts";

/** Hades is master; zeus is what the test makes of it. */
async function rig() {
  const clock = createManualClock();
  const { database, gateway, hades, zeus } = await twoServers(clock);
  const flaky = createFlaky(database);
  const sentinel = (id: number): Write =>
    insert("sentinel", {
      logical_machine_id: id,
      incarnation: 3,
      nonce: "n",
      started_at: clock.now(),
      last_seen_at: clock.now(),
      ended_at: null,
    });
  await gateway.commit([sentinel(hades), sentinel(zeus), update("server_state", {}, { state: "up" }, "any")]);
  const newId = createIdSource(clock, createSeededRng(1));
  const system = createActorSystem({ host: "hades", clock, rng: createSeededRng(1), newId, logger: silentLogger });
  const told: { phase: AlertPhase; alert: Alert }[] = [];
  const events: unknown[] = [];
  const made = {
    clock,
    gateway,
    flaky,
    zeus,
    told,
    events,
    deposed: 0,
    isOver: false,
    heardAtMs: null as number | null,
    refuses: false,
    phases: () => told.map(({ phase, alert }) => `${phase} ${alert.cause}`),
    stateOfHades: async () => (await gateway.find("server_state", { where: { logical_machine_id: hades } }))[0]?.state,
    stateOfZeus: async () => (await gateway.find("server_state", { where: { logical_machine_id: zeus } }))[0]?.state,
    /** As a living sentinel does, for so long. */
    async lives(ms: number) {
      for (let left = ms; left > 0; left -= 1000) {
        made.heardAtMs = clock.bootMs();
        await gateway.commit([update("sentinel", { logical_machine_id: zeus }, { last_seen_at: clock.now() })]);
        await clock.run(1000);
      }
    },
    async end() {
      const stopping = system.stop(1000);
      await clock.run(1000);
      await stopping;
    },
    begin(epoch = 0): ActorRef<never> {
      return system.spawn(
        createRollCall({
          gateway: flaky.gateway,
          epoch,
          serverId: hades,
          heardAtMs: (server) => (server === "zeus" ? made.heardAtMs : null),
          linkSinceMs: () => 0,
          alerts: {
            async report(phase, alert) {
              if (made.refuses) throw new Error("the outbox is full");
              told.push({ phase, alert });
            },
          },
          events: { publish: (_subject, { data }) => void events.push(data) },
          onDeposed: () => (made.deposed += 1),
          isOver: () => made.isOver,
        }),
        `roll-call-${told.length}-${events.length}`,
      );
    },
  };
  return made;
}

describe("the roll call of a master", () => {
  it("records, publishes and tells that a server is lost, once each, and that it is back", async () => {
    const node = await rig();
    node.begin();
    await node.lives(5000);
    await node.clock.run(4000);
    expect(await node.stateOfZeus()).toBe("suspect");
    expect(node.phases()).toEqual([]);
    await node.clock.run(60_000);
    expect(await node.stateOfZeus()).toBe("down");
    expect(node.phases()).toEqual(["raised server/zeus/zeus/3"]);
    await node.lives(5000);
    expect(await node.stateOfZeus()).toBe("up");
    expect(node.phases()).toEqual(["raised server/zeus/zeus/3", "resolved server/zeus/zeus/3"]);
    expect(node.events).toEqual([
      { server: "zeus", state: "suspect", previous: "up", inOrder: false, epoch: 0 },
      { server: "zeus", state: "down", previous: "suspect", inOrder: false, epoch: 0 },
      { server: "zeus", state: "up", previous: "down", inOrder: false, epoch: 0 },
    ]);
  });

  it("tells nothing of one that is just starting, and of one that stays away only when it has seen that itself", async () => {
    const starting = await rig();
    await starting.gateway.commit([update("server_state", { logical_machine_id: starting.zeus }, { state: "down" })]);
    starting.begin();
    await starting.clock.run(8000);
    await starting.lives(3000);
    expect(await starting.stateOfZeus()).toBe("up");
    expect(starting.told).toEqual([]);

    const away = await rig();
    await away.gateway.commit([update("server_state", { logical_machine_id: away.zeus }, { state: "down" })]);
    away.begin();
    await away.clock.run(14_000);
    expect(away.told).toEqual([]);
    await away.clock.run(5000);
    expect(away.phases()).toEqual(["repeated server/zeus/zeus/3"]);
  });

  it("says before it ends which others have ended a moment ago", async () => {
    const node = await rig();
    node.begin();
    await node.lives(2000);
    const ended = { last_seen_at: node.clock.now(), ended_at: node.clock.now() };
    await node.gateway.commit([update("sentinel", { logical_machine_id: node.zeus }, ended)]);
    node.heardAtMs = node.clock.bootMs();
    expect(await node.stateOfZeus()).toBe("up");
    await node.end();
    expect([await node.stateOfHades(), await node.stateOfZeus()]).toEqual(["down", "down"]);
  });

  it("calls one that lives isolated as long as its grant is revoked", async () => {
    const node = await rig();
    await node.gateway.commit([
      update("server_state", { logical_machine_id: node.zeus }, { state: "down" }),
      insert("server_grant", {
        logical_machine_id: node.zeus,
        generation: 1,
        incarnation: 3,
        members: "[1,2]",
        period_ms: 20_000,
        renewals: 4,
        revoked: true,
        ended: null,
        fencing: null,
      }),
    ]);
    node.begin();
    await node.clock.run(2000);
    await node.lives(3000);
    expect(await node.stateOfZeus()).toBe("isolated");
    await node.gateway.commit([update("server_grant", {}, { revoked: false, generation: 2 })]);
    await node.lives(2000);
    expect(await node.stateOfZeus()).toBe("up");
    expect(node.told.map(({ phase }) => phase)).toEqual(["repeated", "resolved"]);
  });

  it("calls one that has begun anew up, whatever became of the grant of the sentinel before", async () => {
    const node = await rig();
    await node.gateway.commit([
      update("server_state", { logical_machine_id: node.zeus }, { state: "down" }),
      insert("server_grant", {
        logical_machine_id: node.zeus,
        generation: 1,
        incarnation: 2,
        members: "[1,2]",
        period_ms: 20_000,
        renewals: 4,
        revoked: true,
        ended: "waited",
        fencing: null,
      }),
    ]);
    node.begin();
    await node.clock.run(2000);
    await node.lives(3000);
    expect(await node.stateOfZeus()).toBe("up");
  });

  it("gives every server the time to be heard before it misses it", async () => {
    const node = await rig();
    await node.clock.run(60_000);
    node.begin();
    await node.clock.run(2500);
    expect([await node.stateOfZeus(), node.events]).toEqual(["up", []]);
  });

  it.each([
    ["its sentinel, it is down", false, "down"],
    ["its term alone, it lives on", true, "up"],
  ])("leaves its own server as what it is: with the end of %s", async (_what, isOver, state) => {
    const node = await rig();
    node.begin();
    await node.lives(2000);
    node.isOver = isOver;
    await node.end();
    expect(await node.stateOfHades()).toBe(state);
  });

  it("misses nobody who has ended in order", async () => {
    const node = await rig();
    node.begin();
    await node.lives(3000);
    await node.gateway.commit([update("sentinel", { logical_machine_id: node.zeus }, { ended_at: node.clock.now() })]);
    await node.clock.run(60_000);
    expect(await node.stateOfZeus()).toBe("down");
    expect(node.events).toEqual([{ server: "zeus", state: "down", previous: "up", inOrder: true, epoch: 0 }]);
    expect(node.phases()).toEqual([]);
  });

  it("tells what the last master has recorded and not told, as something known", async () => {
    const node = await rig();
    await node.gateway.commit([update("server_state", { logical_machine_id: node.zeus }, { state: "down" })]);
    node.begin();
    await node.clock.run(20_000);
    expect(node.told.map(({ phase, alert }) => [phase, alert.details])).toEqual([
      ["repeated", { incarnation: 3, reasserted: true }],
    ]);
  });

  it("tells it again when the outbox has refused", async () => {
    const node = await rig();
    node.refuses = true;
    await node.gateway.commit([update("server_state", { logical_machine_id: node.zeus }, { state: "down" })]);
    node.begin();
    await node.clock.run(20_000);
    expect(node.told).toEqual([]);
    node.refuses = false;
    await node.clock.run(2000);
    expect(node.phases()).toEqual(["repeated server/zeus/zeus/3"]);
  });

  it("begins to count silence anew when the schema was away, and ends with its epoch", async () => {
    const node = await rig();
    node.begin();
    await node.lives(2000);
    await node.clock.run(14_000);
    node.flaky.fates.push("down");
    const find = node.flaky.gateway.find;
    Object.assign(node.flaky.gateway, { find: () => Promise.reject(new Error("away")) });
    await node.clock.run(3000);
    Object.assign(node.flaky.gateway, { find });
    await node.clock.run(10_000);
    expect(await node.stateOfZeus()).toBe("suspect");
    await node.gateway.commit([update("node_state", { id: 1 }, { epoch: 9 })]);
    await node.clock.run(30_000);
    expect(node.deposed).toBeGreaterThan(0);
    expect(node.phases()).toEqual([]);
  });
});
