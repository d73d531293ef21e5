/** Three kept nats-servers that let nobody in without a certificate of their authority, which is exchanged while they work. */
import { once } from "node:events";
import { cpSync, mkdirSync, readFileSync } from "node:fs";
import { connect as connectPlain } from "node:net";
import { connect as connectSecurely } from "node:tls";
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
import { greetingOf } from "../src/nats-server/socket.ts";

const NAMES = ["hades", "zeus", "hera"] as const;
const clock = createSystemClock();
const log = silentLogger;
const node = "ips1";

let temp: TempHome;
let servers: EmbeddedNats[] = [];
const ports: number[] = [];
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
const open = async (url: string, tls: Partial<TlsSettings> | null, firstConnectMs = 30_000): Promise<Link> => {
  const options = linkSettings({
    url,
    credentials: null,
    tls: tls && { ca: null, cert: null, key: null, name: nodeDomain(node), ...tls },
  });
  const link = await connectLink({ ...options, name: "test", logger: log, clock, firstConnectMs });
  links.push(link);
  return link;
};
const refusal = (url: string, tls: Partial<TlsSettings> | null): Promise<{ code: string; message: string }> =>
  open(url, tls, 0).then(
    () => ({ code: "LET_IN", message: "" }),
    (thrown: { code: string; message: string }) => thrown,
  );
const urlOf = (name: (typeof NAMES)[number]): string => servers[NAMES.indexOf(name)]?.url ?? "";
async function keep(serverName: string, routeAddress: string, routes: readonly string[]): Promise<EmbeddedNats> {
  const paths = homePaths(temp.path(serverName));
  makeHome(paths);
  const [host = "", port] = routeAddress.split(":");
  return await keepEmbeddedNats({
    paths,
    serverName,
    clusterName: "castellan_ips1",
    settings: {
      listen: { host: "127.0.0.1", port: await freePort() },
      tls: filesIn(paths.home),
      cluster: {
        listen: { host, port: Number(port) },
        routes: routes.map((address) => `nats://${address}`),
        joins: false,
      },
    },
    environment: process.env,
    binary: findNatsServer(process.env),
    clock,
    proc: createProcReader(),
    rng: systemRng,
    log,
  });
}
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
  while (ports.length < NAMES.length) ports.push(await freePort());
  for (const name of [...NAMES, "operator"]) await issue(name);
  servers = await Promise.all(
    NAMES.map(async (name, i) => {
      const own = `127.0.0.1:${ports[i]}`;
      const kept = await keep(
        name,
        own,
        ports.map((port) => `127.0.0.1:${port}`).filter((one) => one !== own),
      );
      const { ca, cert: certificate, key } = filesIn(temp.path(name));
      watches.push(watchTrust({ files: { ca, certificate, key }, clock, log, exchanged: () => kept.reload() }));
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
    const broken = (): number =>
      readFileSync(temp.path("zeus/logs/nats-server.log"), "utf8").split("TLS handshake error").length;
    const before = broken();
    expect(await greetingOf({ host: "127.0.0.1", port: Number(new URL(urlOf("zeus")).port) }, operator)).toContain(
      "zeus",
    );
    await open(urlOf("zeus"), operator);
    expect(broken()).toBe(before);
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
    const refusals = {
      "plain text": refusal(url, null),
      "no certificate": refusal(url, { ca }),
      "self-signed": refusal(url, selfSigned),
      "of another node": refusal(url, { ca, cert: own.identity, key: own.identity }),
      "believes another node": refusal(url, filesIn(stranger)),
    };
    const codes = await Promise.all(Object.entries(refusals).map(async ([who, told]) => [who, (await told).code]));
    expect(codes).toEqual(Object.keys(refusals).map((who) => [who, "NOT_TRUSTED"]));
  });

  it("refuses a server of another authority as a member", async () => {
    const other = temp.path("other");
    await foundAuthority(other, node, new Date());
    const trust = trustPaths(temp.path("stray")).directory;
    await issueInto(other, trust, { node, name: "stray", bearer: "server", addresses: ["127.0.0.1"], now: new Date() });
    const stray = await keep("stray", `127.0.0.1:${await freePort()}`, [`127.0.0.1:${ports[0]}`]);
    try {
      const handshake = /TLS route handshake error/;
      await eventually(() => handshake.test(readFileSync(temp.path("hades/logs/nats-server.log"), "utf8")), {
        withinMs: 30_000,
        describe: "hades has turned the stray server away",
      });
      const { connection } = await open(stray.url, filesIn(temp.path("stray")));
      expect(connection.info?.connect_urls ?? []).not.toContain(urlOf("hades").slice("nats://".length));
    } finally {
      await stray.stop();
    }
  });

  it("exchanges certificates and authority while it works: nobody is disconnected, nothing is lost", async () => {
    const operator = filesIn(temp.path("operator"));
    const [from, to] = [await open(urlOf("hades"), operator), await open(urlOf("hera"), operator)];
    let hasBroken = false;
    for (const link of [from, to]) link.onChange(() => (hasBroken = true));
    const heard: number[] = [];
    to.connection.subscribe("counted", { callback: (_error, message) => void heard.push(Number(message.string())) });
    await to.connection.flush();
    let said = 0;
    const saying = setInterval(() => from.connection.publish("counted", String(said++)), 5);
    try {
      const old = filesIn(temp.path("old"));
      cpSync(trustPaths(temp.path("operator")).directory, trustPaths(temp.path("old")).directory, { recursive: true });
      for (const step of ["begin", "switch", "finish"] as const) {
        await rotateAuthority(temp.dir, step, { node, now: new Date() });
        const shown = new Map<string, string>();
        for (const name of [...NAMES, "operator"]) shown.set(name, (await issue(name)).fingerprint);
        for (const name of NAMES) {
          await eventually(async () => (await fingerprintAt(urlOf(name), operator)) === shown.get(name), {
            withinMs: 30_000,
            describe: `${name} shows its certificate of ${step}`,
          });
        }
        expect(await hears(await open(urlOf("zeus"), operator), to, step)).toBe(true);
      }
      expect((await refusal(urlOf("hades"), old)).code).toBe("NOT_TRUSTED");
    } finally {
      clearInterval(saying);
    }
    await eventually(() => heard.length === said, { withinMs: 60_000, describe: "all that was said was heard" });
    expect(heard).toEqual(Array.from({ length: said }, (_, at) => at));
    expect(hasBroken).toBe(false);
  });
});

/** Of the certificate that a server shows now; null: it does not let us in. */
async function fingerprintAt(url: string, files: MutualTls): Promise<string | null> {
  const { hostname, port } = new URL(url);
  const socket = connectPlain(Number(port), hostname);
  await once(socket, "data"); // it speaks first
  const [ca, cert, key] = [files.ca, files.cert, files.key].map((path) => readFileSync(path, "utf8"));
  const secured = connectSecurely({ socket, servername: files.name, ca, cert, key });
  try {
    await once(secured, "secureConnect");
    return secured.getPeerCertificate().fingerprint256.replaceAll(":", "").toLowerCase();
  } catch {
    return null;
  } finally {
    secured.destroy();
  }
}
