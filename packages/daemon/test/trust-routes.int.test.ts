/** Who may be a member of the bus: a certificate of the node's authority is not enough, it must be a server's. */
import { readFileSync } from "node:fs";
import { connectLink } from "@castellan/actor/nats";
import { createSystemClock, silentLogger, systemRng } from "@castellan/kernel";
import { NodeName, parseName } from "@castellan/protocol";
import { nodeDomain, resolveHomeConfig } from "@castellan/protocol/home";
import { createProcReader } from "@castellan/sentinel/pair";
import { assertNothingLeft, eventually, freePort, type TempHome, tempHome } from "@castellan/testkit";
import { TRUST_SETTINGS, trustPaths } from "@castellan/trust";
import { foundAuthority, issueInto } from "@castellan/trust/authority";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { linkSettings } from "../src/bus/link-settings.ts";
import { homePaths, makeHome } from "../src/home-paths.ts";
import { type EmbeddedNats, keepEmbeddedNats } from "../src/nats-server/embedded.ts";
import { findNatsServer } from "../src/nats-server/find-binary.ts";

const clock = createSystemClock();
const node = parseName(NodeName, "ips1");
let temp: TempHome;
const kept: EmbeddedNats[] = [];
beforeEach(async () => {
  temp = await tempHome();
  await foundAuthority(temp.dir, node, clock.now());
});
afterEach(async () => {
  await Promise.all(kept.splice(0).map((server) => server.stop()));
  await assertNothingLeft(temp.dir);
  await temp.remove();
});

/** Keeps a nats-server with a certificate that was issued to a `bearer`. Answers where it looks for members. */
async function keep(name: string, bearer: "server" | "client", routes: readonly string[]): Promise<string> {
  const home = temp.path(name);
  const paths = homePaths(home);
  makeHome(paths);
  await issueInto(temp.dir, trustPaths(home).directory, {
    node,
    name,
    bearer,
    addresses: ["127.0.0.1"],
    now: clock.now(),
  });
  const cluster = { listen: `127.0.0.1:${await freePort()}`, routes: [...routes] };
  const nats = { listen: `127.0.0.1:${await freePort()}`, tls: { ...TRUST_SETTINGS }, cluster };
  const { natsServer } = resolveHomeConfig({ node, nats }, { home, hostName: name });
  const server = await keepEmbeddedNats({
    paths,
    serverName: name,
    clusterName: "castellan_ips1",
    settings: natsServer,
    environment: process.env,
    binary: findNatsServer(process.env),
    clock,
    proc: createProcReader(),
    rng: systemRng,
    log: silentLogger,
  });
  kept.push(server);
  return `nats://${cluster.listen}`;
}

const logOf = (name: string): string => readFileSync(temp.path(name, "logs/nats-server.log"), "utf8");

/** Addresses of the cluster's servers, as one of them tells its clients. */
async function toldBy(server: EmbeddedNats | undefined): Promise<readonly string[]> {
  const { ca, identity } = trustPaths(temp.path("hades"));
  const tls = { ca, cert: identity, key: identity, name: nodeDomain(node) };
  const link = await connectLink({
    ...linkSettings({ url: server?.url ?? "", credentials: null, tls }),
    name: "test",
    logger: silentLogger,
    clock,
    firstConnectMs: 60_000,
  });
  const told = link.connection.info?.connect_urls ?? [];
  await link.close();
  return told;
}

describe("a route to a member of the bus", () => {
  it("is for servers of the node: a client's certificate, though of its authority, opens none", async () => {
    const route = await keep("hades", "server", []);
    await keep("stray", "client", [route]);
    await eventually(() => /authentication error/i.test(logOf("hades")), {
      withinMs: 60_000,
      describe: "hades has turned away the server that shows a client's certificate",
    });
    await keep("zeus", "server", [route]);
    const [hades, stray, zeus] = kept.map(({ url }) => url.slice("nats://".length));
    await eventually(async () => expect((await toldBy(kept[0])).toSorted()).toEqual([hades, zeus].toSorted()), {
      withinMs: 60_000,
      everyMs: 250,
      describe: "hades and zeus have met, and nobody else",
    });
    expect(stray).toBeDefined();
  });
});
