/** What a master writes, and when: those who never heard it go by that. */
import { createManualClock } from "@castellan/actor/testing";
import { silentLogger } from "@castellan/kernel";
import { bootstrapNode, update } from "@castellan/store";
import { createMemoryDatabase, createMemoryGateway } from "@castellan/store/memory";
import { expect, it } from "vitest";
import { createSchemaWatch } from "../../src/role/schema-watch.ts";

it("a master that is alone writes nothing, and writes from its first look on when it is alone no more", async () => {
  const clock = createManualClock();
  const gateway = createMemoryGateway(createMemoryDatabase());
  const join = (server: string) => bootstrapNode(gateway, { node: "ips1", dirName: "/srv", server, clock });
  const { serverId } = await join("hades");
  await gateway.commit([update("node_state", { id: 1 }, { epoch: 1, master_id: serverId })]);
  const schema = createSchemaWatch({ gateway, clock, log: silentLogger, happened: () => undefined });
  const fenceAfterLook = async (): Promise<number> => {
    await clock.run(1000);
    schema.poll(1, 1);
    await clock.settle();
    const [node] = await gateway.find("node_state");
    return node?.fence ?? -1;
  };

  expect([await fenceAfterLook(), await fenceAfterLook()]).toEqual([0, 0]);
  expect(schema.isAlone()).toBe(true);
  await join("zeus");
  expect(await fenceAfterLook()).toBe(1);
  expect(schema.isAlone()).toBe(false);
  expect(await fenceAfterLook()).toBe(2);
  schema.close();
});
