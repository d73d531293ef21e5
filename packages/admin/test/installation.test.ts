import { remove } from "@castellan/store";
import { describe, expect, it } from "vitest";
import { refuseSchemaInUse } from "../src/index.ts";
import { twoServers } from "./node-fixture.ts";

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
  });
});
