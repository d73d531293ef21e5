/** A server and its node: what it may be without, what it may not differ in, and what it does not tell. */
import { cpSync, rmSync, writeFileSync } from "node:fs";
import { createIdSource, createSystemClock, systemRng } from "@castellan/kernel";
import { HomeConfig } from "@castellan/protocol";
import { resolveHomeConfig } from "@castellan/protocol/home";
import { bootstrapNode, type Gateway, readParameters } from "@castellan/store";
import { createMemoryGateway } from "@castellan/store/memory";
import { type TempHome, tempHome } from "@castellan/testkit";
import { TRUST_SETTINGS, trustPaths } from "@castellan/trust";
import { foundAuthority } from "@castellan/trust/authority";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { homePaths, makeHome } from "../src/home-paths.ts";
import { agreeOnParameters, recordAddress, refuseOtherSchema } from "../src/installation/agree.ts";

const clock = createSystemClock();
const newId = createIdSource(clock, systemRng);
let temp: TempHome;
let gateway: Gateway;
beforeEach(async () => {
  temp = await tempHome();
  gateway = createMemoryGateway();
  for (const server of ["hades", "zeus"])
    await bootstrapNode(gateway, { node: "ips1", dirName: temp.dir, server, clock });
});
afterEach(() => temp.remove());

const settings = (nats: unknown) =>
  resolveHomeConfig(HomeConfig.parse({ node: "ips1", server: "hades", nats }), { home: temp.dir, hostName: "h" });
const secured = () =>
  settings({ listen: "hades:4222", tls: TRUST_SETTINGS, cluster: { listen: "hades:6222", routes: [] } });

describe("a server whose certificates are on record", () => {
  it("goes on without them while they cannot be read, and is refused with those of another authority", async () => {
    const paths = homePaths(temp.dir);
    makeHome(paths);
    await foundAuthority(temp.dir, "ips1", clock.now());
    const agree = () => agreeOnParameters({ gateway, settings: secured(), paths, newId });
    await agree();
    const recorded = await readParameters(gateway);
    expect(recorded.get("trust_root")).toMatch(/^[0-9a-f]{64}$/);

    const { ca } = trustPaths(temp.dir);
    writeFileSync(ca, "half of i");
    await agree();
    rmSync(ca);
    await agree();
    expect(await readParameters(gateway)).toEqual(recorded);

    await foundAuthority(temp.path("other"), "ips1", clock.now());
    cpSync(trustPaths(temp.path("other")).ca, ca);
    await expect(agree()).rejects.toMatchObject({ code: "PARAMETERS_DIFFER" });
  });
});

describe("a server whose schema is another now", () => {
  it("is told so before it takes anything away there, whatever else differs", async () => {
    const paths = homePaths(temp.dir);
    makeHome(paths);
    const refuse = () => refuseOtherSchema({ gateway, settings: secured(), paths });
    await refuse();
    await agreeOnParameters({ gateway, settings: settings({ url: "nats://a:4222" }), paths, newId });
    await refuse();
    writeFileSync(temp.path("data/schema-id"), "another\n");
    await expect(refuse()).rejects.toMatchObject({
      code: "PARAMETERS_DIFFER",
      message: expect.stringMatching(/the schema is another here, \S+ as recorded/),
    });
  });
});

async function told(url: string): Promise<string | null | undefined> {
  await recordAddress(gateway, 1, settings({ url }));
  return (await gateway.find("member_address"))[0]?.client_address;
}

describe("where a server's bus is", () => {
  it("is told without who comes in there, and not at all when nobody could read it", async () => {
    expect(await told("nats://ann:secret@a:4222,nats://token@b:4222,nats://c")).toBe(
      "nats://a:4222,nats://b:4222,nats://c",
    );
    expect(await told(`nats://a:4222,${"nats://b:4222,".repeat(100)}nats://c:4222`)).toBeNull();
  });
});
