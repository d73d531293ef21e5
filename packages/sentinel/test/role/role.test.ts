import { type ActorRef, type ActorSystem, type CommandOf, createActorSystem, receive } from "@castellan/actor";
import { createManualClock, type ManualClock } from "@castellan/actor/testing";
import { createIdSource, createSeededRng, silentLogger } from "@castellan/kernel";
import { type Gateway, update } from "@castellan/store";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { createRole, type RoleDeps, type RoleState } from "../../src/role/role.ts";
import type { Term } from "../../src/role/term.ts";
import { createFlaky, type Flaky, twoServers } from "./gateways.ts";

const Clerk = {
  actor: "clerk",
  messages: { GetEpoch: { request: z.object({}), reply: z.object({ epoch: z.int() }) } },
} as const;

interface Rig {
  readonly clock: ManualClock;
  readonly system: ActorSystem;
  readonly gateway: Gateway;
  readonly flaky: Flaky;
  readonly hades: number;
  readonly zeus: number;
  readonly terms: Term[];
  readonly changes: RoleState[];
  stops: number;
  master(): ActorRef<CommandOf<typeof Clerk>>;
}

const systems: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of systems.splice(0)) await stop();
});

async function rig(prepare?: (rig: Rig) => Promise<void>, startMaster?: RoleDeps["startMaster"]): Promise<Rig> {
  const clock = createManualClock();
  const rng = createSeededRng(1);
  const newId = createIdSource(clock, rng);
  const system = createActorSystem({ host: "hades", clock, rng, newId, logger: silentLogger, encodeLocally: true });
  systems.push(async () => {
    const stopping = system.stop(1000);
    await clock.run(6000);
    await stopping;
  });
  const { database, ...servers } = await twoServers(clock);
  const flaky = createFlaky(database);
  const made: Rig = {
    ...servers,
    clock,
    system,
    flaky,
    terms: [],
    changes: [],
    stops: 0,
    master: () => system.remote(Clerk, { host: "master" }),
  };
  await prepare?.(made);
  const standard = (term: Term) => {
    made.terms.push(term);
    const clerk = term.spawn<CommandOf<typeof Clerk>>(
      receive({ GetEpoch: (_, replyTo) => replyTo.success({ epoch: term.epoch }) }),
      "clerk",
    );
    term.expose(Clerk, clerk);
    return () => {
      made.stops += 1;
    };
  };
  system.spawn(
    createRole({
      gateway: flaky.gateway,
      serverId: made.hades,
      startMaster: startMaster ?? standard,
      onChange: (role) => made.changes.push(role),
    }),
    "role",
  );
  await clock.settle();
  return made;
}

async function epochOfMaster({ clock, master }: Rig): Promise<number | string> {
  const asked = master()
    .ask({ type: "GetEpoch" }, { timeoutMs: 500 })
    .then(
      ({ epoch }) => epoch,
      (error: { code: string }) => error.code,
    );
  await clock.run(600);
  return asked;
}

describe("the role of a single server", () => {
  it("is master of a new epoch, reachable as master", async () => {
    const made = await rig();
    expect(await epochOfMaster(made)).toBe(1);
    expect(made.changes).toEqual([{ role: "master", epoch: 1 }]);
  });

  it("takes a new epoch also where the schema names it already", async () => {
    const made = await rig(async ({ gateway, hades }) => {
      await gateway.commit([update("node_state", { id: 1 }, { master_id: hades, epoch: 7 })]);
    });
    expect(await epochOfMaster(made)).toBe(8);
  });

  it("looks on while another server is master, and follows when nobody is", async () => {
    const made = await rig(async ({ gateway, zeus }) => {
      await gateway.commit([update("node_state", { id: 1 }, { master_id: zeus, epoch: 7 })]);
    });
    await made.clock.run(5000);
    expect(made.terms).toEqual([]);
    expect(await epochOfMaster(made)).toBe("NOT_REACHABLE");
    await made.gateway.commit([update("node_state", { id: 1 }, { master_id: null })]);
    await made.clock.run(1100);
    expect(await epochOfMaster(made)).toBe(8);
  });

  it("keeps trying while the database is away", async () => {
    const made = await rig(async ({ flaky }) => {
      flaky.fates.push("down", "down", "down");
    });
    expect(made.terms).toEqual([]);
    await made.clock.run(3000);
    expect(await epochOfMaster(made)).toBe(1);
  });

  it("once deposed, ends the term with its names, and begins another when it may", async () => {
    const made = await rig();
    const [first] = made.terms;
    await made.gateway.commit([update("node_state", { id: 1 }, { epoch: 5, master_id: made.zeus })]);
    first?.onDeposed();
    first?.onDeposed();
    await made.clock.settle();
    expect([made.stops, first?.isOver()]).toEqual([1, true]);
    expect(await epochOfMaster(made)).toBe("NOT_REACHABLE");
    await made.gateway.commit([update("node_state", { id: 1 }, { master_id: made.hades })]);
    await made.clock.run(2000);
    expect(await epochOfMaster(made)).toBe(6);
    first?.onDeposed(); // a late word of the old term
    await made.clock.settle();
    expect(await epochOfMaster(made)).toBe(6);
    const { hades, zeus } = made;
    expect(made.changes).toEqual([
      { role: "master", epoch: 1 },
      { role: "slave", masterId: null, epoch: 1 },
      { role: "slave", masterId: zeus, epoch: 5 },
      { role: "slave", masterId: hades, epoch: 5 },
      { role: "master", epoch: 6 },
    ]);
  });

  it("leaves nothing of a term that could not begin, and tries again", async () => {
    let attempts = 0;
    const made = await rig(undefined, (term) => {
      attempts += 1;
      const clerk = term.spawn<CommandOf<typeof Clerk>>(
        receive({ GetEpoch: (_, replyTo) => replyTo.success({ epoch: term.epoch }) }),
        "clerk",
      );
      term.expose(Clerk, clerk);
      if (attempts === 1) throw new Error("no bus");
      return () => undefined;
    });
    expect(made.system.tree()[0]?.children.map(({ path }) => path)).toEqual([]);
    await made.clock.run(1000);
    expect(attempts).toBe(2);
    expect(await epochOfMaster(made)).toBe(2);
  });

  it("ends its term when the sentinel stops, and its actors know that it is not for another", async () => {
    const seen: boolean[] = [];
    const made = await rig(undefined, (term) => {
      term.spawn(
        receive<{ type: "x" }>({ x: () => undefined }, { stopping: () => void seen.push(term.isOver()) }),
        "x",
      );
      return () => {
        made.stops += 1;
      };
    });
    const stopping = made.system.stop(1000);
    await made.clock.run(1000);
    await stopping;
    expect([made.stops, seen]).toEqual([1, [false]]);
  });
});
