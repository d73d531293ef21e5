import { ATTRIBUTES, attributeKind, checkAttribute, TypeName } from "@castellan/protocol";
import { insert, update } from "@castellan/store";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { applySpec, effectiveAttributes, listAttributes, setAttribute, unsetAttribute } from "../src/index.ts";
import { fakeBus, spec, twoServers } from "./node-fixture.ts";

const type = (name: string) => TypeName.parse(name);
const WEB = spec({ types: { WEB: { command: ["web"] } }, servers: { hades: { WEB: 2 }, zeus: { WEB: 1 } } });

async function node(bus = fakeBus(() => ({}))) {
  const fixture = await twoServers(bus);
  await applySpec(fixture.ctx, WEB);
  bus.published.length = 0;
  return { ...fixture, bus };
}

/** Every place, from the least to the most specific for WEB 2 of hades. */
const PLACES = [
  {},
  { server: "hades" },
  { server: "all", type: type("WEB") },
  { server: "hades", type: type("WEB") },
  { server: "all", type: type("WEB"), instance: 2 },
  { server: "hades", type: type("WEB"), instance: 2 },
] as const;
const HERE = { server: "hades", type: type("WEB"), instance: 2 };

describe("an attribute", () => {
  it("holds as it is set at the most specific place, in whatever order it was set", async () => {
    const { ctx } = await node();
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray([...PLACES.keys()], { minLength: 1 }), async (order) => {
        for (const at of order) await setAttribute(ctx, "PROCESS_MAX_RESTARTS", String(at + 10), PLACES[at] ?? {});
        const effective = await effectiveAttributes(ctx, HERE);
        expect(effective.find(({ name }) => name === "PROCESS_MAX_RESTARTS")?.value).toBe(
          String(Math.max(...order) + 10),
        );
        for (const at of order) await unsetAttribute(ctx, "PROCESS_MAX_RESTARTS", PLACES[at] ?? {});
        const after = await effectiveAttributes(ctx, HERE);
        expect(after.find(({ name }) => name === "PROCESS_MAX_RESTARTS")).toMatchObject({ value: "5", from: null });
        expect(await listAttributes(ctx)).toEqual([]);
      }),
      { numRuns: 30 },
    );
  });

  it("is on record with who changed it from what to what, and every sentinel is told; what changes nothing is not", async () => {
    const { ctx, gateway, bus } = await node();
    await setAttribute(ctx, "process_max_restarts", " 7 ", { server: "2", type: type("WEB") });
    await setAttribute(ctx, "PROCESS_MAX_RESTARTS", "7", { server: "zeus", type: type("WEB") });
    await unsetAttribute(ctx, "CHECKFREQ", {});
    const audit = await gateway.find("audit_log", { where: { what: { in: ["attribute.set", "attribute.unset"] } } });
    expect(audit).toHaveLength(1);
    expect(audit[0]).toMatchObject({ by_user: "ann", station: "desk7" });
    expect(JSON.parse(audit[0]?.details ?? "")).toEqual({
      name: "PROCESS_MAX_RESTARTS",
      before: null,
      after: "7",
      server: "zeus",
      type: "WEB",
      instance: null,
    });
    expect(bus.published.filter((subject) => subject.endsWith(".refresh"))).toHaveLength(2);
    expect(await gateway.find("process_attributes")).toMatchObject([{ logical_machine_id: 2, attribute_type: "I" }]);
  });

  it("of a server may be set under the sentinel's own process name, as the documented tables have it", async () => {
    const { ctx, gateway } = await node();
    const place = { logical_machine_id: 1, logical_process_name: "PROCMGR", logical_process_instance: 0 };
    const row = { ...place, attribute_name: "PROCESS_SLEEP", attribute_value: "9", attribute_type: "I" };
    await gateway.commit([insert("process_attributes", row)]);
    const effective = await effectiveAttributes(ctx, { server: "hades" });
    expect(effective.find(({ name }) => name === "PROCESS_SLEEP")).toMatchObject({ value: "9" });
    expect((await effectiveAttributes(ctx, HERE)).map(({ name }) => name)).not.toContain("PROCESS_SLEEP");
  });

  it("that somebody else changes at the same moment is set after them, not over what was not read", async () => {
    const { ctx, gateway } = await node();
    await setAttribute(ctx, "PROCESS_MAX_RESTARTS", "1", {});
    let interrupted = false;
    const change = await setAttribute(
      {
        ...ctx,
        gateway: {
          ...gateway,
          find: gateway.find,
          close: () => Promise.resolve(),
          commit: async (writes) => {
            if (!interrupted) {
              interrupted = true;
              await gateway.commit([update("process_attributes", {}, { attribute_value: "2" })]);
            }
            return gateway.commit(writes);
          },
        },
      },
      "PROCESS_MAX_RESTARTS",
      "3",
      {},
    );
    expect(change).toMatchObject({ before: "2", after: "3" });
  });

  it("error files: is the column of node_cluster, for one server or all", async () => {
    const { ctx, gateway } = await node();
    await setAttribute(ctx, "CHECK_ERROR_FILES", "0", { server: "zeus" });
    const checked = async () => (await gateway.find("node_cluster")).map((row) => row.check_error_files);
    expect(await checked()).toEqual([true, false]);
    expect(await listAttributes(ctx)).toEqual([
      { name: "CHECK_ERROR_FILES", value: "0", server: "zeus", type: null, instance: null },
    ]);
    await setAttribute(ctx, "CHECK_ERROR_FILES", "0", {});
    expect(await checked()).toEqual([false, false]);
    await unsetAttribute(ctx, "CHECK_ERROR_FILES", {});
    expect(await checked()).toEqual([true, true]);
  });
});

describe("the value of an attribute", () => {
  it("is a whole number in its range, or a sentence that says so", () => {
    for (const name of Object.keys(ATTRIBUTES)) {
      const kind = attributeKind(name.toLowerCase());
      if (kind === null) throw new Error(name);
      expect(checkAttribute(kind, String(kind.fallback))).toEqual({ value: kind.fallback });
      for (const bad of [
        "",
        "x",
        "1.5",
        "1e3",
        "0x1",
        String(kind.least - 1),
        String(kind.most + 1),
        "9".repeat(400),
      ]) {
        expect(checkAttribute(kind, bad), `${name}=${bad}`).toHaveProperty("problem");
      }
    }
    fc.assert(
      fc.property(fc.string(), (text) => {
        const kind = attributeKind("PROCESS_MAX_RESTARTS");
        const checked = kind === null ? { problem: "" } : checkAttribute(kind, text);
        if ("value" in checked) expect(checked.value).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});
