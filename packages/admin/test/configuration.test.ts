import { parseConfig, writeConfigText } from "@castellan/kernel/config";
import { ConfigurationCopy, ServerName, TypeName } from "@castellan/protocol";
import { insert, remove, update } from "@castellan/store";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  addInstance,
  addServer,
  applySpec,
  exportConfiguration,
  importConfiguration,
  removeInstance,
  setAttribute,
  setInstanceEnabled,
  sizeOf,
} from "../src/index.ts";
import { type Fixture, spec, twoServers } from "./node-fixture.ts";

const NODE = spec({
  types: {
    DB: { command: ["db"], ready: { tcp: 5000, timeout: "90s" }, layer: "foreground", exclusive: true },
    WEB: { command: ["web"], dependsOn: ["DB"], stop: { grace: "1500ms" } },
  },
  servers: { hades: { DB: 1, WEB: 2 }, zeus: { WEB: 1 } },
  queues: { swadmin: { deadlines: { critical: "10m", info: "none" } } },
});
const WEB = TypeName.parse("WEB");

const copyOf = async ({ ctx }: Pick<Fixture, "ctx">): Promise<ConfigurationCopy> =>
  parseConfig(writeConfigText((await exportConfiguration(ctx)).configuration), "copy.yaml", ConfigurationCopy);

async function node(): Promise<Fixture> {
  const fixture = await twoServers();
  await applySpec(fixture.ctx, NODE);
  await setAttribute(fixture.ctx, "PROCESS_MAX_RESTARTS", "9", { server: "zeus", type: WEB });
  await setAttribute(fixture.ctx, "CHECK_ERROR_FILES", "0", { server: "zeus" });
  await setInstanceEnabled(fixture.ctx, { server: "hades", type: WEB, instance: 2 }, false);
  return fixture;
}

describe("a copy of the configuration", () => {
  it("makes nothing different where it was made, and an empty node the same", async () => {
    const from = await node();
    const copy = await copyOf(from);
    expect(sizeOf(await importConfiguration(from.ctx, copy))).toBe(0);
    const to = await twoServers();
    const shown = await importConfiguration(to.ctx, copy, { dryRun: true });
    expect(sizeOf(shown)).toBeGreaterThan(5);
    expect(await to.gateway.find("process_type")).toEqual([]);
    expect(await importConfiguration(to.ctx, copy)).toEqual(shown);
    expect(await copyOf(to)).toEqual(copy);
    expect(await to.gateway.find("audit_log")).toMatchObject([{ what: "config.import", command: "castellan test" }]);
  });

  it("brings back whatever was changed meanwhile, but a number that was given", async () => {
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray([0, 1, 2, 3, 4, 5], { minLength: 1 }), async (which) => {
        const fixture = await node();
        const { ctx } = fixture;
        const copy = await copyOf(fixture);
        const changes = [
          () => addInstance(ctx, "zeus", WEB, true),
          () => removeInstance(ctx, { server: "hades", type: WEB, instance: 1 }),
          () => setInstanceEnabled(ctx, { server: "hades", type: WEB, instance: 2 }, true),
          () => setAttribute(ctx, "CHECK_ERROR_FILES", "1", {}),
          () => setAttribute(ctx, "MINFREEKB", "7", {}),
          () => applySpec(ctx, spec({ types: { WEB: { command: ["other"] } } })),
        ];
        for (const at of which) await changes[at]?.();
        await importConfiguration(ctx, copy);
        expect(await copyOf(fixture)).toEqual(copy);
        if (which.includes(0)) expect(await addInstance(ctx, "zeus", WEB, true)).toMatchObject({ instance: 3 });
      }),
      { numRuns: 15 },
    );
  });

  it("knows the foreground where it has gone with its master, with what is set for it", async () => {
    const fixture = await node();
    const { ctx, gateway } = fixture;
    const DB = TypeName.parse("DB");
    await setAttribute(ctx, "PROCESS_MAX_RESTARTS", "3", { server: "hades", type: DB, instance: 1 });
    const copy = await copyOf(fixture);
    const where = { logical_machine_id: 1, logical_process_name: "DB" };
    const zeus = { logical_machine_id: 2 };
    const rows = await gateway.find("process_config", { where });
    const attributes = await gateway.find("process_attributes", { where });
    await gateway.commit([
      update("node_state", { id: 1 }, { master_id: 2 }),
      remove("process_config", where),
      remove("process_attributes", where),
      ...rows.map((row) => insert("process_config", { ...row, ...zeus })),
      ...attributes.map((row) => insert("process_attributes", { ...row, ...zeus })),
    ]);
    expect([rows.length, attributes.length]).toEqual([1, 1]);
    expect(sizeOf(await importConfiguration(ctx, copy))).toBe(0);
    await setInstanceEnabled(ctx, { server: "zeus", type: DB, instance: 1 }, false);
    expect((await importConfiguration(ctx, copy)).processes).toEqual([
      { server: "zeus", serverId: 2, type: "DB", instance: 1, change: "enabled" },
    ]);
  });

  it("adds servers, and leaves those alone that it does not name", async () => {
    const from = await node();
    await addServer(from.ctx, "Hera");
    const copy = await copyOf(from);
    const to = await twoServers();
    await addServer(to.ctx, "ares");
    expect((await importConfiguration(to.ctx, copy)).servers).toEqual([
      { name: "zeus", id: 2, change: "changed", comment: null, checkErrorFiles: false },
      { name: "hera", id: 4, change: "added", comment: null, checkErrorFiles: true },
    ]);
    const names = (await to.gateway.find("node_cluster")).map((row) => row.physical_machine_name);
    expect(names.sort()).toEqual(["ares", "hades", "hera", "zeus"]);
  });

  it("is refused with everything that is wrong, before anything is written", async () => {
    const { ctx, gateway } = await node();
    const copy = await copyOf({ ctx });
    const before = await gateway.find("audit_log");
    const wrong: ConfigurationCopy = {
      ...copy,
      types: {},
      servers: {
        ...copy.servers,
        [ServerName.parse("zeus")]: {
          comment: null,
          checkErrorFiles: true,
          processes: [
            { type: TypeName.parse("NOPE"), instance: 1, enabled: true },
            { type: TypeName.parse("NOPE"), instance: 1, enabled: true },
            { type: TypeName.parse("DB"), instance: 1, enabled: true },
          ],
        },
      },
      attributes: [
        { name: "MINFREEKB", value: "many", server: null, type: null, instance: null },
        { name: "DEBUG", value: "1", server: null, type: null, instance: null },
      ],
    };
    const refusal = await importConfiguration(ctx, wrong).catch((thrown: unknown) => thrown);
    for (const words of ["NOPE 1 twice", "NOPE, which is not defined", "exclusive", '"many"', "no attribute DEBUG"]) {
      expect(String(refusal)).toContain(words);
    }
    expect(await gateway.find("audit_log")).toEqual(before);
  });

  it("leaves temporary instances out", async () => {
    const { ctx, gateway } = await node();
    const [row] = await gateway.find("process_config", { where: { logical_process_name: "WEB" } });
    if (row === undefined) throw new Error("no row");
    await gateway.commit([insert("process_config", { ...row, logical_process_instance: 7, persistent: false })]);
    const { configuration } = await exportConfiguration(ctx);
    expect(JSON.stringify(configuration.servers)).not.toContain("7");
  });
});
