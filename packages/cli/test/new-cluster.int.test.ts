import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { repositoryRoot, type TempHome, tempHome } from "@castellan/testkit";
import { examineTrust, judgeTrust } from "@castellan/trust";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readSettings, serverHomes } from "../src/home.ts";
import { makeCluster, serverNames } from "../src/new-cluster.ts";

let home: TempHome;
beforeEach(async () => {
  home = await tempHome();
});
afterEach(() => home.remove());

const settingsOf = (...name: string[]) => readSettings(home.path("three", ...name), "box");

describe("a new home of several servers", () => {
  it("is read back as three members of one cluster over one schema", async () => {
    const example = `${repositoryRoot}/deploy/examples/02-cluster`;
    expect(await makeCluster(home.path("three"), 3, example)).toEqual(["hades", "zeus", "hera"]);
    const outer = await settingsOf();
    expect(outer.servers).toEqual(["hades", "zeus", "hera"]);
    expect(outer.natsServer).toBeNull();
    expect(serverHomes(outer)).toEqual([home.path("three/hades"), home.path("three/zeus"), home.path("three/hera")]);
    const members = await Promise.all(outer.servers.map((name) => settingsOf(name)));
    expect(members.map(({ server }) => server)).toEqual(outer.servers);
    expect(members.map(({ database }) => database)).toEqual(members.map(() => outer.database));
    const clients = members.map(({ natsServer }) => `nats://127.0.0.1:${natsServer?.listen.port}`);
    expect(outer.nats?.url).toBe(clients.join(","));
    const routes = members.map(({ natsServer }) => `nats://127.0.0.1:${natsServer?.cluster?.listen.port}`);
    expect(new Set([...clients, ...routes]).size).toBe(6);
    for (const [i, { natsServer }] of members.entries()) {
      expect(natsServer?.cluster?.routes).toEqual(routes.filter((_, j) => j !== i));
    }
    // Everybody knows the others by certificates of one authority, and shows one of his own.
    const now = new Date();
    const trusts = [outer.nats?.tls, ...members.map(({ natsServer }) => natsServer?.tls)];
    const seen = trusts.map((tls) => {
      const { authorities, certificate, ...facts } = examineTrust({
        ca: tls?.ca ?? "",
        certificate: tls?.cert ?? "",
        key: tls?.key ?? "",
      });
      expect(judgeTrust({ authorities, certificate, ...facts }, now)).toEqual([]);
      expect(tls?.name).toBe("castellan.castellan");
      return certificate.kind === "found"
        ? [certificate.value.name, certificate.value.names.includes(tls?.name ?? "")]
        : [];
    });
    expect(seen).toEqual([["operator", false], ...outer.servers.map((name) => [name, true])]);
    // What the processes are run from is below each server; what should run is said once.
    expect(readFileSync(home.path("three/hera/programs/bg.mjs"), "utf8")).toContain("BG");
    expect(() => readFileSync(home.path("three/hera/types.yaml"))).toThrow();
    expect(readFileSync(home.path("three/types.yaml"), "utf8")).toContain("hades:");
  });

  it("takes the node's name and the database from the example", async () => {
    const example = home.path("example");
    mkdirSync(example);
    const given = "node: ips1\ndatabase: { url: 'postgres://castellan@db:5432/ips1', passwordFile: etc/db.password }\n";
    writeFileSync(`${example}/castellan.yaml`, given);
    await makeCluster(home.path("three"), 2, example);
    const database = { url: "postgres://castellan@db:5432/ips1", passwordFile: home.path("three/etc/db.password") };
    for (const settings of [await settingsOf(), await settingsOf("zeus")]) {
      expect(settings).toMatchObject({ node: "ips1", database });
    }
  });

  it("names as many servers as are wanted, those of the example first", () => {
    expect(serverNames(3, [])).toEqual(["hades", "zeus", "hera"]);
    expect(serverNames(4, ["zeus", "box"])).toEqual(["zeus", "box", "hades", "hera"]);
    expect(() => serverNames(2, ["a", "b", "c"])).toThrow("use --servers 3");
  });
});
