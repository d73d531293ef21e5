/** `castellan up --servers 3` speaks TLS: strangers are refused, and the authority is exchanged while the node works. */
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually, runCli } from "@castellan/testkit";
import { afterEach, describe, expect, it } from "vitest";
import { createAlertWriter } from "../harness/alert-writer.ts";
import { SMALL_EXCLUSIVE, smallNode } from "../harness/catalogue.ts";
import { type Cluster, makeCluster, SERVERS } from "../harness/cluster.ts";
import { said } from "../harness/node.ts";
import { subscribe } from "../harness/subscriber.ts";

let cluster: Cluster;
afterEach(() => cluster.dispose());

describe("a node whose servers know each other by certificates", () => {
  it("exchanges its authority without an alert lost or a process touched, and refuses strangers", async () => {
    cluster = await makeCluster({ types: smallNode(), exclusiveTypes: SMALL_EXCLUSIVE, bus: "own" });
    await cluster.awaitWhole();
    const pids = (): string[] =>
      cluster.census
        .look()
        .map(({ label, pid }) => `${label} ${pid}`)
        .toSorted();
    const before = pids();
    expect(before.length).toBeGreaterThan(0);
    const slave = cluster.servers.find(({ name }) => name === "hera");
    if (slave === undefined) throw new Error("there is a server hera");
    const subscriber = subscribe(cluster.dir);
    const writer = createAlertWriter(slave.home);
    const old = join(cluster.dir, "old-trust");
    cpSync(join(cluster.dir, "etc/trust"), old, { recursive: true });
    try {
      for (const step of ["begin", "switch", "finish"]) {
        writer.write();
        await cluster.must("cert", "rotate", step);
        writer.write();
      }
      expect((await cluster.must("audit")).stdout).toContain("cert.rotate");
      await cluster.must("cert", "renew", "--days", "20");
      await eventually(async () => expect(await alerts()).toEqual(SERVERS.map((name) => `${name} new`).toSorted()), {
        withinMs: 90_000,
        everyMs: 300,
        describe: "each server says that its certificate ends",
      });
      await cluster.must("cert", "renew");
      await eventually(
        async () => expect(await alerts()).toEqual(SERVERS.map((name) => `${name} resolved`).toSorted()),
        {
          withinMs: 90_000,
          everyMs: 300,
          describe: "each server says that its certificate is in order",
        },
      );
      await eventually(async () => expect(writer.complaints(await cluster.items("--all"))).toEqual([]), {
        withinMs: 90_000,
        everyMs: 300,
        describe: "every line is counted once",
      });
      expect(pids()).toEqual(before);
      await eventually(() => expect(subscriber.ids().length).toBeGreaterThanOrEqual(writer.written), {
        withinMs: 90_000,
        everyMs: 300,
        describe: "the subscriber has heard of every line",
      });
      expect(new Set(subscriber.ids()).size).toBe(subscriber.ids().length);
    } finally {
      await subscriber.stop();
    }
    expect(JSON.parse((await cluster.must("doctor", "--json")).stdout)).toMatchObject({ ok: true });
    expect(await cluster.complaints()).toEqual([]);

    // The same address and the same schema, but a certificate of the authority that is forgotten; then none at all.
    const stranger = join(cluster.dir, "stranger");
    const { database } = cluster;
    const { url } = cluster.busSettings;
    mkdirSync(join(stranger, "etc"), { recursive: true });
    cpSync(old, join(stranger, "etc/trust"), { recursive: true });
    const trusted = { ca: join(cluster.dir, "etc/trust/ca.pem"), name: "castellan.castellan" };
    const own = { cert: "etc/trust/server.pem", key: "etc/trust/server.pem" };
    for (const tls of [{ ...trusted, ...own }, trusted]) {
      writeFileSync(join(stranger, "castellan.yaml"), JSON.stringify({ nats: { url, tls }, database }));
      const refused = await runCli(["test-events"], { home: stranger, timeoutMs: 120_000 });
      expect([refused.code, said(refused)]).toEqual([3, expect.stringContaining("do not trust each other")]);
    }
    rmSync(stranger, { recursive: true });
  });
});

const alerts = async (): Promise<string[]> =>
  (await cluster.items("--all"))
    .filter(({ kind, subject }) => kind === "sentinel" && subject === "certificate")
    .map(({ server, state }) => `${server} ${state}`)
    .toSorted();
