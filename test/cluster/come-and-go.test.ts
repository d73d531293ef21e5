/** Servers of `castellan up --servers 3` that go and come back, with the NATS servers they keep. */
import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "@castellan/testkit";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { SMALL_EXCLUSIVE, smallNode } from "../harness/catalogue.ts";
import { type Cluster, type ClusterServer, makeCluster } from "../harness/cluster.ts";
import { lives } from "../harness/node.ts";

let cluster: Cluster;
afterEach(() => cluster.dispose());

const NatsFile = z.object({ port: z.int(), identity: z.object({ pid: z.int() }) });
const natsOf = (home: string) => NatsFile.parse(JSON.parse(readFileSync(join(home, "run", "nats.json"), "utf8")));

describe("a cluster with NATS servers of its own", () => {
  it("goes on when one of them is killed, and when its master is taken down; both come back", async () => {
    cluster = await makeCluster({ types: smallNode(), exclusiveTypes: SMALL_EXCLUSIVE, bus: "own" });
    await cluster.awaitWhole();
    const first = await cluster.master();
    const slave = cluster.server(first.name === "zeus" ? "hera" : "zeus");

    const before = natsOf(first.home);
    process.kill(before.identity.pid, "SIGKILL");
    appendFileSync(join(slave.home, "logs", "sw_error"), "it broke\n");
    const items = await eventually(
      async () => {
        const found = await cluster.items();
        return found.some(({ kind, server }) => kind === "error-file" && server === slave.name) ? found : null;
      },
      { withinMs: 60_000, everyMs: 500, describe: "the slave's error file is a work item" },
    );
    expect(items?.filter(({ kind }) => kind === "error-file")).toHaveLength(1);
    const after = await eventually(
      () => {
        const now = natsOf(first.home);
        return now.identity.pid === before.identity.pid ? null : now;
      },
      { withinMs: 60_000, describe: "the NATS server that was killed is started again" },
    );
    expect(after.port).toBe(before.port);
    const running = await cluster.awaitWhole();
    expect(running.servers.flatMap(({ processes }) => processes).map(({ restarts }) => restarts)).toEqual([0, 0, 0, 0]);

    const heir = await cluster.master();
    expect((await cluster.must("down", "--home", heir.home)).stdout).toContain(
      `${heir.name} is down; the node goes on`,
    );
    expect(heir.part("worker")).toBeNull();
    expect(lives(natsOf(heir.home).identity.pid)).toBe(false);
    const next = await cluster.master();
    expect(next.name).not.toBe(heir.name);
    const front = async () =>
      (await cluster.status()).servers.find(({ processes }) =>
        processes.some(({ type, status }) => type === "FRONT" && status === "RUNNING"),
      )?.name;
    expect(await front()).toBe(next.name);

    expect((await heir.up()).code).toBe(0);
    await cluster.awaitWhole();
    expect((await cluster.master()).name).toBe(next.name);
    expect(await cluster.complaints()).toEqual([]);

    // The first of the others is who would be the next master.
    const [alsoGoes, stays] = cluster.servers.filter(({ name }) => name !== next.name);
    if (alsoGoes === undefined || stays === undefined) throw new Error("three servers");
    const down = ({ home }: ClusterServer) => cluster.must("down", "--home", home);
    const awaitMaster = ({ name }: ClusterServer) =>
      eventually(
        async () => {
          expect((await cluster.master()).name).toBe(name);
          expect(await front()).toBe(name);
        },
        { withinMs: 90_000, everyMs: 500, describe: "the one that stays is master, and has the foreground" },
      );
    await Promise.all([alsoGoes, next].map(down));
    await awaitMaster(stays);

    await Promise.all([alsoGoes, next].map(async (server) => expect((await server.up()).code).toBe(0)));
    await cluster.awaitWhole();
    // Of the master that goes nothing is shut down yet: who is made master by it, and goes too, does not make it master again.
    const goOneAfterTheOther = async (first: ClusterServer): Promise<ClusterServer> => {
      const goes = down(first);
      const heirOnTheWay = await eventually(
        async () => {
          const master = await cluster.master();
          return master === first ? null : master;
        },
        { withinMs: 60_000, everyMs: 20, describe: "another one is master" },
      );
      await Promise.all([goes, down(heirOnTheWay)]);
      return heirOnTheWay;
    };
    const second = await goOneAfterTheOther(stays);
    const last = second === next ? alsoGoes : next;
    await awaitMaster(last);

    // Where nobody stays either, both go.
    expect((await stays.up()).code).toBe(0);
    await eventually(
      async () =>
        (await cluster.status()).servers.some(
          ({ name, processes }) => name === stays.name && processes.some(({ status }) => status === "RUNNING"),
        ),
      { withinMs: 60_000, everyMs: 200, describe: "its processes run again" },
    );
    expect(await goOneAfterTheOther(last)).toBe(stays);
    expect(cluster.servers.map((server) => server.part("worker"))).toEqual([null, null, null]);
  });
});
