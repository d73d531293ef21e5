import { insert, remove } from "@castellan/store";
import { describe, expect, it } from "vitest";
import { type Departure, refuseSchemaInUse, refuseToLeave } from "../src/index.ts";
import { twoServers } from "./node-fixture.ts";

const zeus: Departure = {
  server: { id: 2, name: "zeus" },
  isMaster: false,
  others: ["hades", "hera"],
  othersUp: ["hades"],
  holdsBus: true,
};

describe("a server that is to leave its node", () => {
  it.each([
    ["a slave beside a server that is up", {}, null],
    ["a slave that holds no part of the bus, whoever is up", { othersUp: [], holdsBus: false }, null],
    ["the only server", { others: [], othersUp: [] }, "LAST_SERVER"],
    ["the master", { isMaster: true }, "SERVER_IS_MASTER"],
    ["the master, beside nobody who is up", { isMaster: true, othersUp: [] }, "SERVER_IS_MASTER"],
    ["one whose part of the bus nobody would take over", { othersUp: [] }, "NO_MASTER"],
  ] as const)("is judged before anything of it is stopped: %s", (_who, facts, code) => {
    let thrown: unknown = null;
    try {
      refuseToLeave({ ...zeus, ...facts });
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toEqual(code === null ? null : expect.objectContaining({ code }));
  });
});

const HADES = { logical_machine_id: 1 } as const;

describe("the schema of a node", () => {
  it("is not dropped while others are of the node, also by a server that is none of it any more", async () => {
    const { ctx, gateway } = await twoServers();
    await expect(refuseSchemaInUse(ctx, ["HADES"])).rejects.toMatchObject({
      code: "SERVERS_REMAIN",
      message: expect.stringContaining("zeus is still of this node"),
    });
    await gateway.commit([
      remove("server_state", { logical_machine_id: 2 }),
      remove("node_cluster", { logical_machine_id: 2 }),
    ]);
    await expect(refuseSchemaInUse(ctx, ["zeus"])).rejects.toThrow(/hades is still of this node/);
    await refuseSchemaInUse(ctx, ["hades"]);
    await refuseSchemaInUse(ctx, [], ["Hades"]);
    const now = ctx.clock.now();
    await gateway.commit([
      insert("sentinel", { ...HADES, incarnation: 1, nonce: "n", started_at: now, last_seen_at: now, ended_at: null }),
    ]);
    await expect(refuseSchemaInUse(ctx, [], ["hades"])).rejects.toThrow(/hades is still of this node/);
  });
});
