/** A schema is moved once and whole, wherever the move dies on its way; until it is over, at most one of the two counts. */
import { createIdSource, createSeededRng } from "@castellan/kernel";
import { bootstrapNode, type Gateway, insert, StoreUnavailable, update, type Write } from "@castellan/store";
import { COPIED_TABLES, type Mark, readMark, setMark } from "@castellan/store/copy";
import { createMemoryDatabase, createMemoryGateway, type MemoryDatabase } from "@castellan/store/memory";
import { beforeEach, describe, expect, it } from "vitest";
import { decideMove, type MoveView } from "../src/schema/move-decision.ts";
import { cancelMove, moveSchema } from "../src/schema/move-schema.ts";
import { eagerClock } from "./node-fixture.ts";

const OLD = "sqlite:/srv/old.db";
const NEW = "postgres://ips1@db/ips1";
const NOON = new Date("2026-11-22T12:00:00Z");

let clock: ReturnType<typeof eagerClock>;
let old: MemoryDatabase;
let fresh: MemoryDatabase;
let newId: () => string;

/** A node that has a master, and an empty database. */
async function begin(): Promise<void> {
  old = createMemoryDatabase();
  fresh = createMemoryDatabase();
  const gateway = createMemoryGateway(old);
  await bootstrapNode(gateway, { node: "ips1", dirName: "/srv", server: "hades", clock });
  const times = { started_at: clock.now(), last_seen_at: clock.now() };
  await gateway.commit([
    insert("sentinel", { logical_machine_id: 1, incarnation: 4, nonce: "n", ...times, ended_at: null }),
    update("node_state", { id: 1 }, { epoch: 7, master_id: 1 }),
    update("node_cluster", { logical_machine_id: 1 }, { master: true }),
    insert("process_number", { logical_machine_id: 1, logical_process_name: "WEB", last_instance: 3 }),
  ]);
}

beforeEach(async () => {
  clock = eagerClock();
  newId = createIdSource(clock, createSeededRng(7));
  await begin();
});

interface Ways {
  readonly from?: Gateway;
  readonly to?: Gateway;
  readonly own?: readonly string[];
}

const move = ({ from = createMemoryGateway(old), to = createMemoryGateway(fresh), own = ["hades"] }: Ways = {}) =>
  moveSchema({
    from: { url: OLD, gateway: from },
    to: { url: NEW, gateway: to },
    own: { servers: own, end: async () => undefined },
    broken: () => [],
    ...recorder(),
  });

const recorder = () => ({ clock, newId, who: { user: "ann", station: "here", command: "castellan schema move" } });

const counting = async (): Promise<number> => {
  const marks = await Promise.all([old, fresh].map((one) => readMark(createMemoryGateway(one))));
  const used = (await createMemoryGateway(fresh).find("nodes")).length > 0;
  return Number(marks[0] === null) + Number(marks[1] === null && used);
};

async function expectMoved(): Promise<void> {
  expect(await readMark(createMemoryGateway(old))).toMatchObject({ state: "left", other: NEW });
  const [from, to] = [createMemoryGateway(old), createMemoryGateway(fresh)];
  expect(await readMark(to)).toBeNull();
  expect(await to.find("node_state")).toMatchObject([{ master_id: null }]);
  for (const table of COPIED_TABLES.filter((name) => name !== "audit_log")) {
    expect(await to.find(table), table).toEqual(await from.find(table));
  }
  expect((await to.find("audit_log")).map(({ what, by_user }) => [what, by_user])).toEqual([["schema.move", "ann"]]);
}

/** Dies at the n-th commit of all, before it or after it: nothing is done from then on, not even to clean up. */
function mortal(dieAt: number, after: boolean): { from: Gateway; to: Gateway; commits: () => number } {
  let commits = 0;
  let isDead = false;
  const die = (): never => {
    isDead = true;
    throw new StoreUnavailable("dead");
  };
  const wrap = (gateway: Gateway): Gateway => ({
    find: (table, query) => (isDead ? Promise.reject(new StoreUnavailable("dead")) : gateway.find(table, query)),
    async commit(writes) {
      if (isDead) die();
      commits += 1;
      if (commits === dieAt && !after) die();
      const touched = await gateway.commit(writes);
      if (commits === dieAt) die();
      return touched;
    },
    close: async () => undefined,
  });
  return { from: wrap(createMemoryGateway(old)), to: wrap(createMemoryGateway(fresh)), commits: () => commits };
}

describe("moveSchema", () => {
  it("copies, compares, leaves the old one and opens the new one; whoever ruled before rules no more", async () => {
    const result = await move();
    expect(result).toMatchObject({ from: OLD, to: NEW, tables: COPIED_TABLES.length });
    expect(result.rows).toBeGreaterThan(4);
    await expectMoved();
    const to = createMemoryGateway(fresh);
    expect(await to.find("node_state")).toMatchObject([{ epoch: 8 }]);
    expect(await to.find("sentinel")).toMatchObject([{ incarnation: 5 }]);
    expect(await to.find("node_cluster")).toMatchObject([{ master: false }]);
    expect(await move()).toMatchObject({ rows: 0 });
  });

  it("that dies at whatever commit leaves at most one that counts, and is done when it is asked again", async () => {
    const whole = mortal(0, false);
    await move(whole);
    const count = whole.commits();
    expect(count).toBeGreaterThan(8);
    let seen = 0;
    for (let at = 1; at <= count; at += 1) {
      for (const after of [false, true]) {
        await begin();
        await expect(move(mortal(at, after)), `${at} ${after}`).rejects.toThrow("dead");
        expect(await counting(), `${at} ${after}`).toBeLessThanOrEqual(1);
        await move();
        expect(await counting()).toBe(1);
        await expectMoved();
        seen += 1;
      }
    }
    expect(seen).toBe(2 * count);
  });

  it("that fails gives the old one back; that was killed can be cancelled, until the old one has been left", async () => {
    const broken = createMemoryGateway(fresh);
    let inserts = 0;
    const failing: Gateway = {
      ...broken,
      async commit(writes) {
        if (writes.some(({ kind }) => kind === "insert") && ++inserts === 3) throw new StoreUnavailable("disk full");
        return await broken.commit(writes);
      },
    };
    await expect(move({ to: failing })).rejects.toThrow("disk full");
    expect(await readMark(createMemoryGateway(old))).toBeNull();
    await expect(move(mortal(4, true))).rejects.toThrow("dead");
    expect(await readMark(createMemoryGateway(old))).toMatchObject({ state: "leaving" });
    const place = { url: OLD, gateway: createMemoryGateway(old) };
    expect(await cancelMove(place, recorder())).toBe(true);
    expect(await cancelMove(place, recorder())).toBe(false);
    expect(await place.gateway.find("audit_log")).toMatchObject([{ what: "schema.stay", by_user: "ann" }]);
    await move();
    await expect(cancelMove(place, recorder())).rejects.toMatchObject({
      code: "SCHEMA_MOVED",
      message: expect.stringContaining(`castellan schema move ${NEW} goes on`),
    });
  });

  it("is refused while a sentinel of another server may work with it, and names it", async () => {
    await expect(move({ own: [] })).rejects.toMatchObject({
      code: "SENTINELS_RUN",
      message: expect.stringMatching(/sentinel of hades may.*castellan down.*silent for 25 s/),
    });
    expect(await readMark(createMemoryGateway(old))).toBeNull();
    clock.advance(24_999);
    await expect(move({ own: [] })).rejects.toMatchObject({ code: "SENTINELS_RUN" });
    clock.advance(1);
    await move({ own: [] });
    await expectMoved();
  });

  it.each([
    ["its server's period", 3, 40, null, 45],
    ["a grant of before the period was changed", 60, 3, 60, 65],
    ["what it takes to be missed, of the shortest periods", 3, 3, null, 15],
  ] as const)("waits out %s", async (_, node, server, grant, silenceS) => {
    const gateway = createMemoryGateway(old);
    const everywhere = { logical_process_name: "ALL", logical_process_instance: 0, attribute_type: "N" };
    const period = (machine: number, seconds: number): Write =>
      insert("process_attributes", {
        ...everywhere,
        logical_machine_id: machine,
        attribute_name: "ISOLATION_STOP_PERIOD",
        attribute_value: String(seconds),
      });
    const held = {
      logical_machine_id: 1,
      generation: 1,
      incarnation: 4,
      members: "[1,2]",
      renewals: 9,
      revoked: false,
      ended: null,
      fencing: null,
    };
    await gateway.commit([
      period(0, node),
      period(1, server),
      ...(grant === null ? [] : [insert("server_grant", { ...held, period_ms: grant * 1000 })]),
    ]);
    clock.advance(silenceS * 1000 - 1);
    await expect(move({ own: [] })).rejects.toMatchObject({ details: { silenceS } });
    clock.advance(1);
    await move({ own: [] });
  });

  it("refuses a target that holds another node", async () => {
    await bootstrapNode(createMemoryGateway(fresh), { node: "ips2", dirName: "/x", server: "zeus", clock });
    await expect(move()).rejects.toMatchObject({ code: "TARGET_IN_USE", message: expect.stringContaining("nodes") });
    expect(await counting()).toBe(2); // two nodes
  });
});

describe("decideMove", () => {
  const at = NOON;
  const mark = (state: Mark["state"], other: string, moveId = "m1"): Mark => ({ state, other, moveId, changedAt: at });
  const view = (from: Mark | null, to: Mark | null, inUse: string | null = null): MoveView => ({
    from: { url: OLD, mark: from },
    to: { url: NEW, mark: to, inUse },
  });

  it.each([
    ["copy", view(null, null)],
    ["copy", view(null, mark("filling", OLD), "nodes")],
    ["copy", view(mark("leaving", NEW), null)],
    ["copy", view(mark("leaving", NEW), mark("filling", OLD), "nodes")],
    ["open", view(mark("left", NEW), mark("filling", OLD), "nodes")],
    ["settle", view(mark("left", NEW), null, "nodes")],
    ["settle", view(mark("left", NEW), mark("left", "sqlite:third"), "nodes")],
    ["settle", view(mark("left", NEW), mark("leaving", "sqlite:third"), "nodes")],
    ["TARGET_IN_USE", view(null, null, "nodes")],
    ["TARGET_IN_USE", view(null, mark("filling", "sqlite:third"))],
    ["TARGET_IN_USE", view(null, mark("left", "sqlite:third"))],
    ["TARGET_IN_USE", view(mark("leaving", NEW), null, "nodes")],
    ["SCHEMA_MOVED", view(mark("leaving", "sqlite:third"), null)],
    ["SCHEMA_MOVED", view(mark("left", "sqlite:third"), null)],
    ["SCHEMA_MOVED", view(mark("filling", NEW), null)],
    ["COPY_LOST", view(mark("left", NEW), null)],
    ["COPY_LOST", view(mark("left", NEW), mark("filling", OLD, "another"))],
    ["SAME_DATABASE", { ...view(null, null), to: { url: OLD, mark: null, inUse: "nodes" } }],
  ])("%s", (expected, seen) => {
    let answer: string;
    try {
      answer = decideMove(seen);
    } catch (thrown) {
      answer = thrown instanceof Error && "code" in thrown ? String(thrown.code) : String(thrown);
    }
    expect(answer).toBe(expected);
  });
});

it("a mark of a state that nobody knows lets nobody in", async () => {
  const gateway = createMemoryGateway();
  await gateway.commit([setMark(null, { moveId: "m", state: "leaving", other: "x", changedAt: NOON })]);
  await gateway.commit([update("schema_move", { id: 1 }, { state: "strange" })]);
  expect(await readMark(gateway)).toMatchObject({ state: "leaving" });
});
