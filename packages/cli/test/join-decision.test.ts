import { CastellanError } from "@castellan/kernel";
import { describe, expect, it } from "vitest";
import { busToJoin, type JoinFacts, refuseEmbedded } from "../src/installation/join-decision.ts";

const own = { listen: "zeus:4222", cluster: { listen: "zeus:6222", routes: [] } };
const hades = { name: "hades", client: "hades:4222", cluster: "hades:6222" };
const hera = { name: "hera", client: "hera:4222", cluster: "hera:6222" };
const facts: JoinFacts = { config: { nats: own }, natsCluster: "castellan_ips1", master: "hades", members: [hades] };

function codeOf(act: () => unknown): string | null {
  try {
    act();
    return null;
  } catch (thrown) {
    if (thrown instanceof CastellanError) return thrown.code;
    throw thrown;
  }
}

describe("how a server comes to the bus of its node", () => {
  it.each<[string, Partial<JoinFacts>, string[]]>([
    ["by those who are there", { members: [hades, hera] }, ["nats://hades:6222", "nats://hera:6222"]],
    [
      "by its own word too",
      { config: { nats: { ...own, cluster: { ...own.cluster, routes: ["nats://a:1"] } } } },
      ["nats://hades:6222", "nats://a:1"],
    ],
    ["by those whose bus can be reached", { members: [{ ...hades, cluster: null }, hera] }, ["nats://hera:6222"]],
  ])("%s, as one that founds no cluster", (_how, more, routes) => {
    expect(busToJoin({ ...facts, ...more })).toEqual({ ...own, cluster: { listen: "zeus:6222", routes, joins: true } });
  });

  it("is its own, or none, where nobody else is there", () => {
    expect(busToJoin({ ...facts, members: [] })).toEqual(own);
    expect(busToJoin({ ...facts, config: {}, members: [] })).toBeUndefined();
  });

  it("is that of others by the address that is said, or else recorded", () => {
    const external = { ...facts, natsCluster: "external" };
    expect(busToJoin({ ...external, config: { nats: { url: "nats://b:4222" } } })).toEqual({ url: "nats://b:4222" });
    expect(busToJoin({ ...external, config: {}, members: [{ ...hades, client: "nats://a:4222" }] })).toEqual({
      url: "nats://a:4222",
    });
  });

  it.each<[string, Partial<JoinFacts>, string]>([
    ["none of the others lets members in", { members: [{ ...hades, cluster: null }] }, "BUS_NOT_SHARED"],
    ["the others are on loopback", { members: [{ ...hades, cluster: "127.0.0.1:6222" }] }, "BUS_NOT_SHARED"],
    ["it is not said where this one is reached", { config: {} }, "BUS_NOT_SAID"],
    [
      "it has no word of a bus of others",
      { natsCluster: "external", config: {}, members: [{ ...hades, client: null }] },
      "BUS_NOT_SAID",
    ],
  ])("is refused while %s", (_what, more, code) => {
    expect(codeOf(() => busToJoin({ ...facts, ...more }))).toBe(code);
  });
});

describe("a schema that is to be shared", () => {
  it.each([
    [null, "SCHEMA_NOT_SHARED"],
    ["sqlite:/srv/ips1/data/castellan.db", "SCHEMA_NOT_SHARED"],
    ["postgres://castellan@db/ips1", null],
  ] as const)("%s", (url, code) => {
    expect(codeOf(() => refuseEmbedded(url))).toBe(code);
  });
});
