import { writeFileSync } from "node:fs";
import { createSystemClock } from "@castellan/kernel";
import { resolveHomeConfig } from "@castellan/protocol/home";
import { bootstrapNode, type Gateway, insert, type Row, remove, update } from "@castellan/store";
import { createMemoryGateway } from "@castellan/store/memory";
import { type TempHome, tempHome } from "@castellan/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { knownMembers, membersFile, rememberOnce, withMembers } from "../../src/bus/known-members.ts";
import { homePaths, makeHome } from "../../src/home-paths.ts";

let temp: TempHome;
let gateway: Gateway;
const at = (id: number, cluster: string | null, leaving = false): Row<"member_address"> => ({
  logical_machine_id: id,
  client_address: null,
  cluster_address: cluster,
  leaving,
});
beforeEach(async () => {
  temp = await tempHome();
  gateway = createMemoryGateway();
  const clock = createSystemClock();
  for (const server of ["hades", "zeus", "hera"])
    await bootstrapNode(gateway, { node: "ips1", dirName: "/", server, clock });
  await gateway.commit([
    insert("member_address", at(1, "hades:6222")),
    insert("member_address", at(2, "zeus:6222")),
    insert("member_address", at(3, null)),
  ]);
});
afterEach(() => temp.remove());

describe("the other members of a bus", () => {
  it("are known again without the schema, as they were last", async () => {
    const paths = homePaths(temp.dir);
    makeHome(paths);
    expect(knownMembers(paths)).toEqual([]);
    const look = async () => {
      await rememberOnce({ paths, gateway, serverId: 1 });
      return knownMembers(paths);
    };
    expect(await look()).toEqual(["nats://zeus:6222"]);
    await gateway.commit([update("member_address", { logical_machine_id: 3 }, { cluster_address: "hera:6222" })]);
    expect(await look()).toEqual(["nats://hera:6222", "nats://zeus:6222"]);
    await gateway.commit([update("member_address", { logical_machine_id: 2 }, { leaving: true })]);
    expect(await look()).toEqual(["nats://hera:6222"]);
    await gateway.commit([remove("member_address", { logical_machine_id: 3 })]);
    expect(await look()).toEqual([]);
    writeFileSync(membersFile(paths), "half of\nnats://zeus:6222\nnats://ann:word@x:1\n");
    expect(knownMembers(paths)).toEqual(["nats://zeus:6222"]);
  });

  it("are looked for besides those of castellan.yaml, and none of them is the server itself", () => {
    const nats = { listen: "hades:4222", cluster: { listen: "hades:6222", routes: ["nats://hera:6222"] } };
    const home = { home: temp.dir, hostName: "hades" };
    const member = resolveHomeConfig({ nats }, home).natsServer;
    const routes = ["nats://zeus:6222", "nats://hades:6222", "nats://hera:6222"];
    expect(withMembers(member, routes)?.cluster?.routes).toEqual(["nats://hera:6222", "nats://zeus:6222"]);
    expect(
      withMembers(resolveHomeConfig({ nats: { listen: "hades:4222" } }, home).natsServer, routes)?.cluster,
    ).toBeNull();
    expect(withMembers(null, routes)).toBeNull();
  });
});
