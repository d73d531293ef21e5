import type { HomeConfig } from "@castellan/protocol";
import { resolveHomeConfig } from "@castellan/protocol/home";
import { describe, expect, it } from "vitest";
import { copiesOf } from "../src/bus/events-stream.ts";
import { natsServerConfig } from "../src/nats-server/config.ts";

const files = {
  storeDirectory: "/h/data/nats",
  portsDirectory: "/h/run/nats-ports",
  pidFile: "/h/run/nats.pid",
  logFile: "/h/logs/nats-server.log",
};
const server = { ...files, serverName: "hades", clusterName: "castellan_ips1", tls: null };

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
    const cluster = { listen: { host: "hades", port: 6222 }, routes: ["nats://zeus:6222"] };
    const text = natsServerConfig({ ...server, listen: { host: "hades", port: 4222 }, cluster, tls });
    const block = [
      "tls {",
      '  cert_file: "/h/server.pem"',
      '  key_file: "/h/server.pem"',
      '  ca_file: "/h/ca.pem"',
      "  verify: true",
    ];
    expect(text).toContain(`\n${block.join("\n")}`);
    expect(text).toContain(`routes: ["nats://zeus:6222"]\n  ${block.join("\n  ")}`);
  });

  it("names the cluster, which keeps two nodes apart, and the routes", () => {
    const cluster = { listen: { host: "[fd00::1]", port: 6222 }, routes: ["nats://zeus:6222", "nats://hera:6222"] };
    const text = natsServerConfig({ ...server, listen: { host: "hades", port: 4222 }, cluster });
    expect(text).toContain(
      'cluster {\n  name: "castellan_ips1"\n  listen: "[fd00::1]:6222"\n  routes: ["nats://zeus:6222", "nats://hera:6222"]\n}',
    );
  });
});

const settings = (nats?: HomeConfig["nats"]) =>
  resolveHomeConfig(nats === undefined ? {} : { nats }, { home: "/h", hostName: "hades" });
const member = (...routes: string[]) => settings({ listen: "a:1", cluster: { listen: "a:2", routes } });

describe("copies of the events stream", () => {
  it.each([
    ["the embedded server", settings(), { wanted: 1, isOurs: true }],
    ["two of our own", member("nats://b:2"), { wanted: 1, isOurs: true }],
    [
      "three of our own, this one named too",
      member("nats://a:2", "nats://b:2", "nats://c:2"),
      { wanted: 3, isOurs: true },
    ],
    ["five of our own", member("nats://b:2", "nats://c:2", "nats://d:2", "nats://e:2"), { wanted: 3, isOurs: true }],
    ["another's server", settings({ url: "nats://a:1" }), { wanted: 1, isOurs: false }],
    ["another's cluster", settings({ url: "nats://a:1,nats://b:1,nats://c:1" }), { wanted: 3, isOurs: false }],
  ])("%s", (_, given, copies) => {
    expect(copiesOf(given)).toEqual(copies);
  });
});
