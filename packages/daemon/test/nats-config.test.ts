import type { HomeConfig } from "@castellan/protocol";
import { resolveHomeConfig } from "@castellan/protocol/home";
import { describe, expect, it } from "vitest";
import { copiesOf } from "../src/bus/events-stream.ts";
import { isSameButRoutes, natsServerConfig } from "../src/nats-server/config.ts";

const files = {
  storeDirectory: "/h/data/nats",
  portsDirectory: "/h/run/nats-ports",
  pidFile: "/h/run/nats.pid",
  logFile: "/h/logs/nats-server.log",
};
const server = {
  ...files,
  serverName: "hades",
  clusterName: "castellan_ips1",
  systemPassword: null,
  tls: null,
  newcomerAt: null,
  observesAt: null,
};

describe("the configuration of the kept nats-server", () => {
  it("is without a cluster when it is alone", () => {
    const text = natsServerConfig({ ...server, listen: { host: "127.0.0.1", port: 4222 }, cluster: null });
    expect(text).toContain('listen: "127.0.0.1:4222"');
    expect(text).toContain('server_name: "hades"');
    expect(text).toContain("sync_interval: always");
    expect(text).toContain('log_file: "/h/logs/nats-server.log"\nlogfile_size_limit: 8388608\nlogfile_max_num: 2\n');
    expect(text).not.toContain("cluster");
    expect(text).not.toContain("tls");
  });

  it("lets nobody in without a certificate of the node's authority: no client, no member", () => {
    const tls = { ca: "/h/ca.pem", cert: "/h/server.pem", key: "/h/server.pem", name: "ips1.castellan" };
    const cluster = { listen: { host: "hades", port: 6222 }, routes: ["nats://zeus:6222"], joins: false };
    const text = natsServerConfig({ ...server, listen: { host: "hades", port: 4222 }, cluster, tls });
    const block = [
      "tls {",
      '  cert_file: "/h/server.pem"',
      '  key_file: "/h/server.pem"',
      '  ca_file: "/h/ca.pem"',
      "  verify: true",
    ];
    expect(text).toContain(`\n${block.join("\n")}`);
    // Of members the name too that no client's certificate has.
    expect(text).toContain(
      `routes: ["nats://zeus:6222"]\n  authorization { user: "ips1.castellan" }\n  ${block.join("\n  ")}`,
    );
    expect(text.split("verify_and_map: true")).toHaveLength(2);
    expect(text.indexOf("verify_and_map")).toBeGreaterThan(text.indexOf("cluster {"));
  });

  it("names the cluster, which keeps two nodes apart, and the routes", () => {
    const cluster = {
      listen: { host: "[fd00::1]", port: 6222 },
      routes: ["nats://zeus:6222", "nats://hera:6222"],
      joins: false,
    };
    const text = natsServerConfig({ ...server, listen: { host: "hades", port: 4222 }, cluster });
    expect(text).toContain(
      'cluster {\n  name: "castellan_ips1"\n  listen: "[fd00::1]:6222"\n  routes: ["nats://zeus:6222", "nats://hera:6222"]\n}',
    );
  });
});

const alone = (routes: readonly string[], port = 4222) =>
  natsServerConfig({
    ...server,
    systemPassword: "secret",
    listen: { host: "hades", port },
    cluster: { listen: { host: "hades", port: 6222 }, routes, joins: false },
  });

describe("the first member of a cluster", () => {
  it("has a route to itself, which JetStream asks for, and a user of the system account", () => {
    expect(alone([])).toContain('routes: ["nats://hades:6222"]');
    expect(alone([])).toContain('accounts { "$SYS": { users: [ { user: "castellan", password: "secret" } ] } }');
  });

  it("is the same with other routes: members tell of each other", () => {
    expect(isSameButRoutes(alone([]), alone(["nats://zeus:6222"]))).toBe(true);
    expect(isSameButRoutes(alone([]), alone([], 4223))).toBe(false);
  });
});

describe("the helper of a server that is alone", () => {
  it("never leads, as a leaf of a system account that is not there, and has no room for a stream", () => {
    const text = natsServerConfig({
      ...server,
      observesAt: 1234,
      listen: { host: "hades", port: 4222 },
      cluster: null,
    });
    expect(text).toContain("max_file_store: 1\n");
    expect(text).toContain('leafnodes { remotes: [ { url: "nats-leaf://127.0.0.1:1234", account: "$SYS" } ] }');
  });
});

describe("a server that joins a cluster and has never been in it", () => {
  it("expects more members than can be new at one moment, all of them itself but those it knows", () => {
    const cluster = { listen: { host: "zeus", port: 6222 }, routes: ["nats://hades:6222"], joins: true };
    const text = natsServerConfig({
      ...server,
      newcomerAt: "10.0.0.6",
      listen: { host: "zeus", port: 4222 },
      cluster,
    });
    const routes = /^ *routes: \[(.*)\]$/m.exec(text)?.[1]?.split(", ") ?? [];
    expect(routes[0]).toBe('"nats://hades:6222"');
    expect(routes.slice(1)).toHaveLength(64);
    expect(new Set(routes).size).toBe(65);
    expect(routes.slice(1).filter((route) => !route.startsWith('"nats://10.0.0.6:6222/'))).toEqual([]);
    const later = natsServerConfig({ ...server, listen: { host: "zeus", port: 4222 }, cluster });
    expect(later).toContain('routes: ["nats://hades:6222"]');
    expect(isSameButRoutes(text, later)).toBe(true);
  });
});

const settings = (nats?: HomeConfig["nats"]) =>
  resolveHomeConfig(nats === undefined ? {} : { nats }, { home: "/h", hostName: "hades" });
const member = (...routes: string[]) => settings({ listen: "a:1", cluster: { listen: "a:2", routes } });

describe("copies of the events stream", () => {
  it.each([
    ["the embedded server", settings(), 1],
    ["two of our own", member("nats://b:2"), 1],
    ["three of our own, this one named too", member("nats://a:2", "nats://b:2", "nats://c:2"), 3],
    ["five of our own", member("nats://b:2", "nats://c:2", "nats://d:2", "nats://e:2"), 3],
    ["another's server", settings({ url: "nats://a:1" }), 1],
    ["another's cluster", settings({ url: "nats://a:1,nats://b:1,nats://c:1" }), 3],
  ])("%s", (_, given, copies) => {
    expect(copiesOf(given)).toBe(copies);
  });
});
