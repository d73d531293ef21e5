import { ConfigError, parseConfig } from "@castellan/kernel/config";
import { describe, expect, it } from "vitest";
import { keptBus, resolveHomeConfig } from "../src/home-settings.ts";
import { HomeConfig } from "../src/index.ts";

const where = { home: "/srv/node", hostName: "Hades.example.org" };
const settings = (text: string) => resolveHomeConfig(parseConfig(text, "castellan.yaml", HomeConfig), where);

describe("castellan.yaml", () => {
  it("may be empty: everything has a default", () => {
    expect(settings("")).toEqual({
      home: "/srv/node",
      node: "castellan",
      server: "hades-example-org",
      servers: [],
      nats: null,
      natsServer: null,
      fenceCommand: null,
      database: { url: "sqlite:/srv/node/data/castellan.db", passwordFile: null },
    });
  });

  it("resolves file names from the home", () => {
    const read = settings(`
node: ips1
server: hades
nats: { url: nats://127.0.0.1:4222, credentials: etc/sentinel.creds, tls: { ca: /etc/ca.pem } }
database: { url: "sqlite:db/x.db", passwordFile: etc/db.password }
`);
    expect(read.nats).toEqual({
      url: "nats://127.0.0.1:4222",
      credentials: "/srv/node/etc/sentinel.creds",
      tls: { ca: "/etc/ca.pem", cert: null, key: null, name: null },
    });
    expect(read.database).toEqual({ url: "sqlite:/srv/node/db/x.db", passwordFile: "/srv/node/etc/db.password" });
    expect(read.server).toBe("hades");
  });

  it("describes a member of a NATS cluster; its own route is left out", () => {
    const { nats, natsServer } = settings(`
nats:
  listen: hades:4222
  cluster: { listen: "hades:6222", routes: ["nats://hades:6222", "nats://zeus:6222", "nats://[fd00::3]:6222"] }
`);
    expect(nats).toBeNull();
    expect(natsServer).toEqual({
      listen: { host: "hades", port: 4222 },
      tls: null,
      cluster: {
        listen: { host: "hades", port: 6222 },
        routes: ["nats://zeus:6222", "nats://[fd00::3]:6222"],
        joins: false,
      },
    });
  });

  it("takes the first member of a cluster, which has nobody to look for", () => {
    const { natsServer } = settings("nats: { listen: 'a:1', cluster: { listen: 'a:2', routes: [] } }");
    expect(natsServer?.cluster).toEqual({ listen: { host: "a", port: 2 }, routes: [], joins: false });
  });

  it("names what the kept server shows and whom it believes; it is reached by the same", () => {
    const read = settings("nats: { listen: 'a:1', tls: { ca: etc/ca.pem, cert: etc/a.pem, key: /keys/a.pem } }");
    const tls = {
      ca: "/srv/node/etc/ca.pem",
      cert: "/srv/node/etc/a.pem",
      key: "/keys/a.pem",
      name: "castellan.castellan",
    };
    expect(read.natsServer).toMatchObject({ tls, cluster: null });
    expect(keptBus(read, "nats://a:1")).toEqual({
      url: "nats://a:1",
      credentials: null,
      tls,
    });
    expect(keptBus(settings(""), "nats://b:2")).toEqual({ url: "nats://b:2", credentials: null, tls: null });
  });

  it("takes several addresses of a bus, and the names of servers whose homes are below", () => {
    const text = "servers: [hades, zeus]\nnats: { url: 'nats://127.0.0.1:4222,nats://127.0.0.1:4223' }\n";
    expect(settings(text)).toMatchObject({
      servers: ["hades", "zeus"],
      nats: { url: "nats://127.0.0.1:4222,nats://127.0.0.1:4223" },
      natsServer: null,
    });
  });

  it.each([
    ["nats: {}", "nats.url"],
    ["nats: { url: 'nats://a:1', listen: 'a:2' }", "nats.listen"],
    ["nats: { url: 'nats://a:1,b:2' }", "nats.url"],
    ["nats: { cluster: { listen: 'a:1', routes: ['nats://b:1'] }, url: 'nats://a:1' }", "nats.cluster"],
    ["nats: { listen: 'a:70000' }", "nats.listen"],
    ["nats: { listen: '0.0.0.0:4222' }", "nats.listen"],
    ["nats: { listen: 'a:1', tls: { ca: x } }", "nats.tls"],
    ["nats: { listen: 'a:1', tls: { ca: x, cert: y, key: z, name: n } }", "nats.tls.name"],
    ["nats: { listen: 'a:1', cluster: { listen: 'a:2', routes: ['b:6222'] } }", "nats.cluster.routes.0"],
    ["servers: [hades]", "servers"],
    ["servers: [hades, hades]", "servers"],
  ])("refuses %s", (text, path) => {
    let problems: ConfigError["problems"] = [];
    try {
      settings(text);
    } catch (thrown) {
      if (thrown instanceof ConfigError) problems = thrown.problems;
    }
    expect(problems.map((problem) => problem.path)).toEqual([path]);
  });

  it("leaves the address of a database server as it is", () => {
    expect(settings("database: { url: postgres://castellan@db:5432/ips1 }").database.url).toBe(
      "postgres://castellan@db:5432/ips1",
    );
  });

  it("names every mistake at once, with its line", () => {
    const text = "nodes: ips1\nserver: Hades!\nnats:\n  url: 127.0.0.1\n  tsl: {}\n";
    let problems: ConfigError["problems"] = [];
    try {
      settings(text);
    } catch (thrown) {
      if (thrown instanceof ConfigError) problems = thrown.problems;
    }
    expect(problems.map((problem) => problem.path).sort()).toEqual(["nats.tsl", "nats.url", "nodes", "server"]);
    expect(problems.find((problem) => problem.path === "nats.url")?.line).toBe(4);
    expect(problems.find((problem) => problem.path === "nats.tsl")).toMatchObject({ line: 5, message: "unknown key" });
  });
});
