import { type Gateway, insert, readNodeView, StoreUnavailable, update } from "@castellan/store";
import { describe, expect, it } from "vitest";
import { applySpec } from "../src/index.ts";
import { fakeBus, spec, twoServers } from "./node-fixture.ts";

const web = spec({
  types: { DB: { command: ["db"], ready: { tcp: 5000 } }, WEB: { command: ["web"], dependsOn: ["DB"] } },
  servers: { hades: { DB: 1, WEB: 2 } },
});

/** A gateway on which something else happens just before each of the first commits. */
function interrupted(gateway: Gateway, before: (attempt: number) => Promise<void>): Gateway {
  let attempt = 0;
  return {
    find: (table, query) => gateway.find(table, query),
    commit: async (writes) => {
      attempt += 1;
      await before(attempt);
      return gateway.commit(writes);
    },
    close: () => gateway.close(),
  };
}

describe("applySpec", () => {
  it("writes types and instances that the node reads back, new instances enabled, persistent and stopped", async () => {
    const { ctx, gateway } = await twoServers();
    await applySpec(ctx, web);
    const view = await readNodeView(gateway);
    expect(view.problems).toEqual([]);
    expect([...view.types.keys()].sort()).toEqual(["DB", "WEB"]);
    expect(view.types.get("DB")).toEqual(Object.entries(web.types)[0]?.[1]);
    expect(view.instances.map((i) => `${i.server} ${i.type} ${i.instance}`)).toEqual(
      expect.arrayContaining(["hades DB 1", "hades WEB 1", "hades WEB 2"]),
    );
    expect(view.instances.every((i) => i.enabled && i.persistent && i.status === "STOPPED")).toBe(true);
  });

  it("changes nothing the second time, and writes no audit row for it", async () => {
    const { ctx, gateway } = await twoServers();
    await applySpec(ctx, web);
    expect(await applySpec(ctx, web)).toEqual({ types: [], instances: [], queues: [] });
    expect(await gateway.find("audit_log")).toHaveLength(1);
  });

  it("says what it would do, and does not, on a dry run", async () => {
    const { ctx, gateway } = await twoServers();
    const difference = await applySpec(ctx, web, { dryRun: true });
    expect(difference.instances).toHaveLength(3);
    expect(await gateway.find("process_type")).toEqual([]);
    expect(await gateway.find("audit_log")).toEqual([]);
  });

  it("gives no number again, whoever gave it", async () => {
    const { ctx } = await twoServers();
    await applySpec(ctx, web);
    await applySpec(ctx, spec({ servers: { hades: { DB: 1, WEB: 1 } } }));
    const again = await applySpec(ctx, spec({ servers: { hades: { DB: 1, WEB: 2 } } }));
    expect(again.instances).toMatchObject([{ type: "WEB", instance: 3, change: "added" }]);
  });

  it("removes instances with their attributes", async () => {
    const { ctx, gateway } = await twoServers();
    await applySpec(ctx, web);
    const row = { logical_machine_id: 1, logical_process_name: "WEB", attribute_value: "1", attribute_type: "S" };
    await gateway.commit([
      insert("process_attributes", { ...row, logical_process_instance: 2, attribute_name: "DEBUG" }),
      insert("process_attributes", { ...row, logical_process_instance: 1, attribute_name: "DEBUG" }),
    ]);
    await applySpec(ctx, spec({ servers: { hades: { DB: 1, WEB: 1 } } }));
    expect((await gateway.find("process_config")).map((r) => r.logical_process_instance)).toEqual([1, 1]);
    expect((await gateway.find("process_attributes")).map((r) => r.logical_process_instance)).toEqual([1]);
  });

  it("records who did what, where, in the same commit", async () => {
    const { ctx, gateway } = await twoServers();
    await applySpec(ctx, web);
    const [row] = await gateway.find("audit_log");
    expect(row).toMatchObject({ by_user: "ann", station: "desk7", what: "spec.apply" });
    expect(JSON.parse(row?.details ?? "")).toMatchObject({ types: [{ name: "DB", change: "added" }, { name: "WEB" }] });
  });

  it("refuses with every problem at once, before anything is written", async () => {
    const { ctx, gateway } = await twoServers();
    const bad = spec({
      types: { A: { command: ["a"], dependsOn: ["B"] }, B: { command: ["b"], dependsOn: ["A"] } },
      servers: { hades: { NOPE: 1 } },
    });
    await expect(applySpec(ctx, bad)).rejects.toMatchObject({
      code: "UNKNOWN_TYPE",
      message: expect.stringContaining("A -> B -> A"),
      details: { problems: [{ code: "UNKNOWN_TYPE" }, { code: "CYCLE" }] },
    });
    const one = spec({ types: { A: { command: ["a"], dependsOn: ["A"] } } });
    await expect(applySpec(ctx, one)).rejects.toMatchObject({ code: "CYCLE" });
    expect(await gateway.find("process_type")).toEqual([]);
  });

  it("looks again when somebody else changed the same type in between", async () => {
    const fixture = await twoServers();
    const { ctx, gateway } = fixture;
    await applySpec(ctx, web);
    const other = interrupted(gateway, async (attempt) => {
      if (attempt > 1) return;
      await gateway.commit([update("process_type", { logical_process_name: "WEB" }, { row_version: { add: 1 } })]);
    });
    const changed = spec({ types: { WEB: { command: ["other"] } } });
    expect((await applySpec({ ...ctx, gateway: other }, changed)).types).toHaveLength(1);
    expect((await readNodeView(gateway)).types.get("WEB")?.command).toEqual(["other"]);
  });

  it("gives up when others never stop changing it, and passes on a database that is away", async () => {
    const { ctx, gateway } = await twoServers();
    await applySpec(ctx, web);
    const changed = spec({ types: { WEB: { command: ["other"] } } });
    const busy = interrupted(gateway, async () => {
      await gateway.commit([update("process_type", { logical_process_name: "WEB" }, { row_version: { add: 1 } })]);
    });
    await expect(applySpec({ ...ctx, gateway: busy }, changed)).rejects.toMatchObject({ code: "CHANGING" });
    const away = interrupted(gateway, () => Promise.reject(new StoreUnavailable("away")));
    await expect(applySpec({ ...ctx, gateway: away }, changed)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  });

  it("tells every sentinel at once", async () => {
    const bus = fakeBus(() => ({}));
    const { ctx } = await twoServers(bus);
    await applySpec(ctx, web);
    expect(bus.published).toEqual([
      "castellan.ips1.req.hades.sentinel.-.refresh",
      "castellan.ips1.req.zeus.sentinel.-.refresh",
    ]);
  });
});
