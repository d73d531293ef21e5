import { type ActorSystem, type CommandOf, createActorSystem, receive } from "@castellan/actor";
import { createManualClock } from "@castellan/actor/testing";
import { CastellanError, createSeededRng, silentLogger } from "@castellan/kernel";
import { createSubjects, Desk, Outbox, WorkItemEvent } from "@castellan/protocol";
import { type Gateway, StoreUnavailable, update } from "@castellan/store";
import { createMemoryGateway } from "@castellan/store/memory";
import { afterEach, describe, expect, it } from "vitest";
import { createDesk, deliverTo } from "../src/desk.ts";
import type { EventBus } from "../src/ports.ts";
import { aQueue, bootstrap, define, delivery, numbered } from "./fixtures.ts";

const systems: ActorSystem[] = [];
afterEach(async () => {
  for (const system of systems.splice(0)) await system.stop(1000);
});

async function world(gateway: Gateway = createMemoryGateway()) {
  await bootstrap(gateway);
  const clock = createManualClock();
  const system = createActorSystem({
    host: "hades",
    clock,
    rng: createSeededRng(1),
    newId: () => "id",
    logger: silentLogger,
    encodeLocally: true,
  });
  systems.push(system);
  const told: string[] = [];
  const outbox = receive<CommandOf<typeof Outbox>>({
    Report: () => undefined,
    Confirm: ({ number }) => void told.push(`confirm ${number}`),
    Resend: ({ after }) => void told.push(`resend ${after}`),
  });
  system.expose(Outbox, "-", system.spawn(outbox, "outbox"));
  const published: string[] = [];
  const bus: EventBus & { fails: boolean } = {
    fails: false,
    async publish({ body, headers, subject }) {
      if (bus.fails) throw new CastellanError("BUS_UNAVAILABLE", "away", { retryable: true });
      const { item } = WorkItemEvent.parse(JSON.parse(new TextDecoder().decode(body)));
      published.push(`${subject.slice("castellan.ips1.evt.".length)} ${item.caseNumber} ${headers["ce-type"]}`);
    },
  };
  let deposed = 0;
  const state = { away: false };
  const desk = system.spawn(
    createDesk({
      epoch: 1,
      identity: { node: "ips1", server: "hades" },
      gateway: {
        ...gateway,
        commit: async (writes) => {
          if (state.away) throw new StoreUnavailable("away");
          return gateway.commit(writes);
        },
      },
      subjects: createSubjects("ips1"),
      bus,
      outboxOf: (server) => system.remote(Outbox, { host: server }),
      onDeposed: () => {
        deposed += 1;
      },
    }),
    "desk",
  );
  system.expose(Desk, "-", desk);
  const settled = async <T>(promise: Promise<T>): Promise<T> => {
    promise.catch(() => undefined);
    await clock.settle();
    return promise;
  };
  return {
    gateway,
    clock,
    told,
    published,
    bus,
    state,
    settled,
    deposed: () => deposed,
    deliver: deliverTo(desk),
    desk: system.remote(Desk, { host: "hades" }),
  };
}

describe("desk", () => {
  it("records a batch, confirms it to its outbox, asks for what is missing, and tells subscribers", async () => {
    const { deliver, gateway, published, settled, told } = await world();
    await settled(deliver([delivery(numbered(1)), delivery(numbered(2)), delivery(numbered(4))]));
    await settled(Promise.resolve());
    expect(told).toEqual(["confirm 2", "resend 2"]);
    expect(published).toEqual([
      "workitem.swadmin.created 1 castellan.workitem.created",
      "workitem.swadmin.repeated 1 castellan.workitem.repeated",
    ]);
    expect(await gateway.find("work_item_event", { where: { published: false } })).toEqual([]);
  });

  it("refuses a batch while the database is away, confirms nothing, and takes it later", async () => {
    const { deliver, settled, state, told } = await world();
    state.away = true;
    await expect(settled(deliver([delivery(numbered(1))]))).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
      retryable: true,
    });
    expect(told).toEqual([]);
    state.away = false;
    await settled(deliver([delivery(numbered(1))]));
    expect(told).toEqual(["confirm 1"]);
  });

  it("says once that its epoch is over", async () => {
    const { deliver, deposed, gateway, settled } = await world();
    await gateway.commit([update("node_state", { id: 1 }, { epoch: 2 })]);
    for (let at = 0; at < 2; at += 1) {
      await expect(settled(deliver([delivery(numbered(1))]))).rejects.toMatchObject({
        code: "DEPOSED",
        retryable: false,
      });
    }
    expect(deposed()).toBe(1);
  });

  it("does what people ask, tells subscribers, and refuses by code", async () => {
    const { deliver, desk, published, settled } = await world();
    await settled(deliver([delivery(numbered(1))]));
    let requests = 0;
    const release = (caseNumber: number, by: string) => {
      requests += 1;
      const who = { by, station: "zeus", requestId: `r${requests}` };
      return settled(desk.ask({ type: "Release", caseNumber, ...who }, { timeoutMs: 1000 }));
    };
    expect(await release(1, "eve")).toMatchObject({ caseNumber: 1, state: "released", changed: true });
    await expect(release(1, "bob")).rejects.toMatchObject({
      code: "NOT_OPEN",
      message: "work item 1 was released by eve at 2026-01-01 00:00:00 UTC already",
    });
    await expect(release(2, "eve")).rejects.toMatchObject({ code: "NO_SUCH_ITEM" });
    await settled(Promise.resolve());
    expect(published.at(-1)).toBe("workitem.swadmin.released 1 castellan.workitem.released");
  });

  it("escalates by itself what nobody acknowledges, and says so", async () => {
    const { clock, deliver, gateway, published, settled } = await world();
    await define(gateway, { swadmin: aQueue({ deadlines: { error: 60_000 }, escalateTo: "duty" }), duty: aQueue() });
    await settled(deliver([delivery(numbered(1))]));
    await clock.run(70_000);
    expect(published.at(-1)).toBe("workitem.duty.escalated 1 castellan.workitem.escalated");
    expect(await gateway.find("work_item")).toMatchObject([{ queue_name: "duty", escalated: true, priority: 10 }]);
  });

  it("publishes history later when the bus was away", async () => {
    const first = await world();
    first.bus.fails = true;
    await first.settled(first.deliver([delivery(numbered(1))]));
    await first.clock.run(3000);
    expect(first.published).toEqual([]);
    first.bus.fails = false;
    await first.clock.run(6000);
    expect(first.published).toHaveLength(1);
  });
});
