/** Three kept nats-servers that let nobody in without a certificate of their authority, which is exchanged while they work. */
import { mkdirSync, readFileSync } from "node:fs";
import { connectLink, type Link } from "@castellan/actor/nats";
import { createSystemClock, silentLogger, systemRng } from "@castellan/kernel";
import { type MutualTls, nodeDomain, type TlsSettings } from "@castellan/protocol/home";
import { createProcReader } from "@castellan/sentinel/pair";
import { assertNothingLeft, eventually, freePort, type TempHome, tempHome } from "@castellan/testkit";
import { trustPaths } from "@castellan/trust";
import { foundAuthority, issueInto, rotateAuthority } from "@castellan/trust/authority";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { linkSettings } from "../src/bus/link-settings.ts";
import { watchTrust } from "../src/bus/trust-watch.ts";
import { homePaths, makeHome } from "../src/home-paths.ts";
import { type EmbeddedNats, keepEmbeddedNats } from "../src/nats-server/embedded.ts";
import { findNatsServer } from "../src/nats-server/find-binary.ts";

const NAMES = ["hades", "zeus", "hera"] as const;
const clock = createSystemClock();
const log = silentLogger;
const node = "ips1";

let temp: TempHome;
let servers: EmbeddedNats[] = [];
const watches: { close(): void }[] = [];
const links: Link[] = [];

const filesIn = (home: string): MutualTls => {
  const { ca, identity } = trustPaths(home);
  return { ca, cert: identity, key: identity, name: nodeDomain(node) };
};
const issue = (name: string) =>
  issueInto(temp.dir, trustPaths(temp.path(name)).directory, {
    node,
    name,
    bearer: name === "operator" ? "client" : "server",
    addresses: ["127.0.0.1"],
    now: new Date(),
  });
const open = async (url: string, tls: Partial<TlsSettings> | null, name = "test"): Promise<Link> => {
  const options = linkSettings({
    url,
    credentials: null,
    tls: tls && { ca: null, cert: null, key: null, name: nodeDomain(node), ...tls },
  });
  const link = await connectLink({ ...options, name, logger: log, clock, firstConnectMs: 0 });
  links.push(link);
  return link;
};
const refusal = (url: string, tls: Partial<TlsSettings> | null): Promise<{ code: string; message: string }> =>
  open(url, tls).then(
    () => ({ code: "LET_IN", message: "" }),
    (thrown: { code: string; message: string }) => thrown,
  );
const urlOf = (name: (typeof NAMES)[number]): string => servers[NAMES.indexOf(name)]?.url ?? "";
/** What is said on one server is heard on another. */
async function hears(from: Link, to: Link, text: string): Promise<boolean> {
  const subscription = to.connection.subscribe("said", { max: 1 });
  const heard = (async () => {
    for await (const message of subscription) return message.string() === text;
    return false;
  })();
  await to.connection.flush();
  const said = setInterval(() => from.connection.publish("said", text), 20);
  try {
    return await heard;
  } finally {
    clearInterval(said);
  }
}

beforeAll(async () => {
  temp = await tempHome();
  await foundAuthority(temp.dir, node, new Date());
  const ports: number[] = [];
  while (ports.length < NAMES.length) ports.push(await freePort());
  for (const name of [...NAMES, "operator"]) await issue(name);
  servers = await Promise.all(
    NAMES.map(async (serverName, i) => {
      const paths = homePaths(temp.path(serverName));
      makeHome(paths);
      const tls = filesIn(paths.home);
      const routes = ports.filter((_, j) => j !== i).map((port) => `nats://127.0.0.1:${port}`);
      const kept = await keepEmbeddedNats({
        paths,
        serverName,
        clusterName: "castellan_ips1",
        settings: {
          listen: { host: "127.0.0.1", port: await freePort() },
          tls,
          cluster: { listen: { host: "127.0.0.1", port: ports[i] ?? 0 }, routes },
        },
        environment: process.env,
        binary: findNatsServer(process.env),
        clock,
        proc: createProcReader(),
        rng: systemRng,
        log,
      });
      const files = { ca: tls.ca, certificate: tls.cert, key: tls.key };
      watches.push(watchTrust({ files, clock, log, exchanged: () => kept.reload() }));
      return kept;
    }),
  );
});
afterAll(async () => {
  for (const watch of watches) watch.close();
  for (const link of links) await link.close();
  await Promise.all(servers.map((server) => server.stop()));
  await assertNothingLeft(temp.dir);
  await temp.remove();
});

describe("a cluster with an authority of its own", () => {
  it("lets in whoever shows a certificate of it, by each server, and its members speak to each other", async () => {
    const operator = filesIn(temp.path("operator"));
    const [from, to] = [await open(urlOf("hades"), operator), await open(urlOf("hera"), operator)];
    expect(await hears(from, to, "from hades to hera")).toBe(true);
  });

  it("refuses who shows none, one that he has made, one of another node", async () => {
    const stranger = temp.path("stranger");
    mkdirSync(stranger);
    await foundAuthority(stranger, node, new Date());
    const own = trustPaths(stranger);
    await issueInto(stranger, own.directory, {
      node,
      name: "hades",
      bearer: "server",
      addresses: ["127.0.0.1"],
      now: new Date(),
    });
    const { ca } = trustPaths(temp.dir);
    const selfSigned = { ca, cert: own.authority, key: own.authority };
    const url = urlOf("hades");
    const refused = {
      "plain text": await refusal(url, null),
      "no certificate": await refusal(url, { ca }),
      "self-signed": await refusal(url, selfSigned),
      "of another node": await refusal(url, { ca, cert: own.identity, key: own.identity }),
      "believes another node": await refusal(url, filesIn(stranger)),
    };
    console.log(refused);
    for (const [who, { code }] of Object.entries(refused)) expect([who, code]).toEqual([who, "NOT_TRUSTED"]);
  });
});
