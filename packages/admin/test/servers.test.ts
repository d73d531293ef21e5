import { CastellanError } from "@castellan/kernel";
import { ConfigurationCopy, ServerName, TypeName } from "@castellan/protocol";
import { bootstrapNode, insert, update } from "@castellan/store";
import { describe, expect, it } from "vitest";
import {
  addInstance,
  addServer,
  announceGoingDown,
  announceStaying,
  announceStop,
  applySpec,
  exportConfiguration,
  fenceServer,
  goingDown,
  importConfiguration,
  listServers,
  moveServer,
  removeServer,
  setAttribute,
  setMaster,
} from "../src/index.ts";
import { fakeBus, spec, twoServers } from "./node-fixture.ts";

const WEB = TypeName.parse("WEB");
const NODE = spec({ types: { WEB: { command: ["web"] } }, servers: { hades: { WEB: 1 }, zeus: { WEB: 1 } } });

async function node() {
  const fixture = await twoServers();
  await applySpec(fixture.ctx, NODE);
  return fixture;
}

describe("a server", () => {
  it("gets the next id and joins as down; what is taken or means something else is refused", async () => {
    const { ctx } = await node();
    expect(await addServer(ctx, "Hera-2")).toEqual({ id: 3, name: "hera-2" });
    expect((await listServers(ctx)).at(-1)).toMatchObject({ id: 3, role: "slave", state: "down", processes: 0 });
    await expect(addServer(ctx, "ZEUS")).rejects.toMatchObject({ code: "SERVER_EXISTS" });
    for (const bad of ["master", "ALL", "0", "12", "", "a b", "x".repeat(65)]) {
      await expect(addServer(ctx, bad), bad).rejects.toMatchObject({ code: "BAD_NAME" });
    }
  });

  it("that is moved takes along all that is defined for it", async () => {
    const { ctx } = await node();
    await setAttribute(ctx, "PROCESS_MAX_RESTARTS", "9", { server: "zeus", type: WEB });
    expect(await moveServer(ctx, "2", "hera")).toEqual({ id: 2, name: "hera", before: "zeus" });
    expect((await listServers(ctx))[1]).toMatchObject({ id: 2, name: "hera", processes: 1 });
    await expect(moveServer(ctx, "hera", "hades")).rejects.toMatchObject({ code: "SERVER_EXISTS" });
  });

  it("that is removed leaves nothing behind", async () => {
    const { ctx, gateway } = await node();
    await setAttribute(ctx, "PROCESS_MAX_RESTARTS", "9", { server: "zeus", type: WEB });
    expect(await removeServer(ctx, "zeus")).toEqual({ id: 2, name: "zeus", processes: 1 });
    for (const table of ["node_cluster", "server_state", "process_config", "process_attributes"] as const) {
      expect(await gateway.find(table, { where: { logical_machine_id: 2 } }), table).toEqual([]);
    }
    await expect(removeServer(ctx, "zeus")).rejects.toMatchObject({ code: "UNKNOWN_SERVER" });
  });

  it("that is removed leaves its id to nobody, however the next one is added", async () => {
    const { ctx, gateway, clock } = await node();
    await removeServer(ctx, "zeus");
    expect(await addServer(ctx, "hera")).toEqual({ id: 3, name: "hera" });
    await removeServer(ctx, "hera");
    expect(await bootstrapNode(gateway, { node: "ips1", dirName: "/srv/ips1", server: "ares", clock })).toEqual({
      serverId: 4,
    });
    await removeServer(ctx, "ares");
    const copy = ConfigurationCopy.parse((await exportConfiguration(ctx)).configuration);
    const empty = { comment: null, checkErrorFiles: true, processes: [] };
    expect(
      (await importConfiguration(ctx, { ...copy, servers: { ...copy.servers, [ServerName.parse("zeus")]: empty } }))
        .servers,
    ).toMatchObject([{ name: "zeus", id: 5, change: "added" }]);
  });

  it.each([
    ["whose state is up", "SERVER_UP", [update("server_state", { logical_machine_id: 2 }, { state: "up" })]],
    ["whose state is suspect", "SERVER_UP", [update("server_state", { logical_machine_id: 2 }, { state: "suspect" })]],
    ["that is master", "SERVER_IS_MASTER", [update("node_state", { id: 1 }, { master_id: 2 })]],
    [
      "that said just now that it lives",
      "SERVER_UP",
      [
        insert("sentinel", {
          logical_machine_id: 2,
          incarnation: 1,
          nonce: "n",
          started_at: new Date(Date.UTC(2026, 0, 1)),
          last_seen_at: new Date(Date.UTC(2026, 0, 1)),
          ended_at: null,
        }),
      ],
    ],
  ])("%s is not removed", async (_which, code, writes) => {
    const { ctx, gateway } = await node();
    await gateway.commit(writes);
    await expect(removeServer(ctx, "zeus")).rejects.toMatchObject({ code });
    expect(await gateway.find("node_cluster")).toHaveLength(2);
  });

  it("that may still run what must not run twice is neither removed nor moved, until somebody is certain", async () => {
    const { ctx, gateway } = await node();
    const at = new Date(Date.UTC(2025, 0, 1));
    const own = { logical_machine_id: 2, incarnation: 1 };
    const grant = { generation: 1, members: "[1,2]", period_ms: 20_000, renewals: 9, revoked: false, ended: null };
    await gateway.commit([
      insert("sentinel", { ...own, nonce: "n", started_at: at, last_seen_at: at, ended_at: null }),
      insert("server_grant", { ...own, ...grant, fencing: null }),
    ]);
    const held = { code: "GRANT_HELD", message: expect.stringContaining("castellan fence zeus --confirmed") };
    await expect(moveServer(ctx, "zeus", "hera")).rejects.toMatchObject(held);
    await expect(removeServer(ctx, "zeus")).rejects.toMatchObject(held);
    await fenceServer(ctx, "zeus", true);
    await moveServer(ctx, "zeus", "hera");
    expect(await removeServer(ctx, "hera")).toMatchObject({ id: 2 });
  });

  it("whose worker starts at the same moment is not removed", async () => {
    const { ctx, gateway } = await node();
    const at = new Date(Date.UTC(2025, 0, 1));
    await gateway.commit([
      insert("sentinel", {
        logical_machine_id: 2,
        incarnation: 1,
        nonce: "n",
        started_at: at,
        last_seen_at: at,
        ended_at: at,
      }),
    ]);
    let isFirst = true;
    const starting: typeof gateway = {
      find: (table, query) => gateway.find(table, query),
      close: () => Promise.resolve(),
      async commit(writes) {
        if (isFirst) {
          isFirst = false;
          const last_seen_at = ctx.clock.now();
          await gateway.commit([
            update("sentinel", { logical_machine_id: 2 }, { incarnation: 2, last_seen_at, ended_at: null }),
          ]);
        }
        return await gateway.commit(writes);
      },
    };
    await expect(removeServer({ ...ctx, gateway: starting }, "zeus")).rejects.toMatchObject({ code: "SERVER_UP" });
    expect(await gateway.find("node_cluster")).toHaveLength(2);
  });
});

it("what a person has ordered of mastership is on record, also when nobody has answered", async () => {
  const bus = fakeBus(() => {
    throw new CastellanError("TIMED_OUT", "nobody answered");
  });
  const { ctx, gateway } = await twoServers(bus);
  await gateway.commit([update("server_state", { logical_machine_id: 2 }, { state: "up" })]);
  await expect(setMaster(ctx, "zeus")).rejects.toMatchObject({ code: "TIMED_OUT" });
  expect(await gateway.find("audit_log", { where: { what: "master.set" } })).toMatchObject([
    { details: expect.stringMatching(/"server":"zeus","previous":"hades","requestId":/) },
  ]);
});

describe("an instance", () => {
  it("is defined under the next number, on whichever of two commands comes first", async () => {
    const { ctx, gateway } = await node();
    const both = await Promise.all([addInstance(ctx, "hades", WEB, true), addInstance(ctx, "1", WEB, false)]);
    expect(both.map(({ instance }) => instance).sort((a, b) => a - b)).toEqual([2, 3]);
    const where = { logical_machine_id: 1 };
    expect(await gateway.find("process_number", { where })).toMatchObject([{ last_instance: 3 }]);
  });
});

describe("a stop after a notice", () => {
  it("only ever comes nearer", async () => {
    const { ctx, gateway } = await node();
    const first = await announceStop(ctx, 300);
    expect(first).toMatchObject({ outcome: "announced", users: [] });
    expect(await announceStop(ctx, 301)).toEqual({ ...first, outcome: "ignored" });
    const sooner = await announceStop({ ...ctx, user: "bob" }, 10);
    expect(sooner).toMatchObject({ outcome: "shortened", stop: { by: "bob", requestId: first.stop.requestId } });
    expect(await gateway.find("forced_stop")).toMatchObject([{ stop_at: sooner.stop.stopAt }]);
    for (const bad of [-1, 1.5, Number.NaN, 86_401]) {
      await expect(announceStop(ctx, bad)).rejects.toMatchObject({ code: "USAGE" });
    }
  });
});

describe("a server that is taken down", () => {
  it("is known to go until it is started anew, or the word is old", async () => {
    const { ctx, gateway, clock } = await node();
    const started = clock.now();
    const servers = (startedAt: Date | null) => [
      { name: "hades", startedAt: started },
      { name: "zeus", startedAt },
    ];
    expect(await goingDown(ctx, servers(started))).toEqual(new Set());
    clock.advance(1000);
    await announceGoingDown(ctx, "zeus");
    expect(await goingDown(ctx, servers(started))).toEqual(new Set(["zeus"]));
    expect(await goingDown(ctx, servers(null))).toEqual(new Set(["zeus"]));
    clock.advance(1000);
    expect(await goingDown(ctx, servers(clock.now()))).toEqual(new Set());
    clock.advance(119_000);
    expect(await goingDown(ctx, servers(started))).toEqual(new Set());
    expect(await gateway.find("audit_log", { where: { what: "server.down" } })).toMatchObject([
      { details: JSON.stringify({ server: "zeus" }) },
    ]);
  });

  it("stays when that was refused, and goes when it is said again", async () => {
    const { ctx, clock } = await node();
    const servers = ["hades", "zeus"].map((name) => ({ name, startedAt: null }));
    const going = async () => [...(await goingDown(ctx, servers))];
    for (const name of ["hades", "zeus"]) await announceGoingDown(ctx, name);
    clock.advance(1000);
    await announceStaying(ctx, "zeus");
    expect(await going()).toEqual(["hades"]);
    clock.advance(1000);
    await announceGoingDown(ctx, "zeus");
    expect(await going()).toEqual(["hades", "zeus"]);
  });
});
