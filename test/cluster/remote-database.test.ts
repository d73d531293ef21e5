/**
 * A cluster whose PostgreSQL is on another host (a network namespace): the link is cut, loses one direction, and is healed.
 * Nothing is stopped, moved or started, and every alert is counted once; and whoever takes over from a killed master does so
 * over the network.
 *
 * Five seconds each in CI; CASTELLAN_LONG=1 makes it a minute, and adds the other direction.
 */
import { eventually, testRun } from "@castellan/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type AlertWriter, createAlertWriter } from "../harness/alert-writer.ts";
import { SMALL_EXCLUSIVE, smallNode } from "../harness/catalogue.ts";
import { type Cluster, makeCluster } from "../harness/cluster.ts";

import { type RemotePostgres, remotePostgres, whyNoRemotePostgres } from "../harness/remote-postgres.ts";
import { killMaster } from "../harness/take-over.ts";

const { isLong } = testRun();
const LOST_MS = isLong ? 60_000 : 5000;
const SETTLED_MS = 120_000;
const why = whyNoRemotePostgres();

type Link = RemotePostgres["link"];

let remote: RemotePostgres;
let cluster: Cluster;
let writers: readonly AlertWriter[];

const write = (): void => writers.forEach((writer) => writer.write());
const pidsNow = (): number[] =>
  cluster.census
    .look()
    .map(({ pid }) => pid)
    .toSorted((a, b) => a - b);

describe.skipIf(why !== undefined)(`a database on another host${why === undefined ? "" : ` (skipped: ${why})`}`, () => {
  beforeAll(async () => {
    remote = await remotePostgres();
    cluster = await makeCluster({
      types: smallNode(),
      exclusiveTypes: SMALL_EXCLUSIVE,
      attributes: { ISOLATION_STOP_PERIOD: "5" },
      postgres: remote.server,
    });
    await cluster.awaitWhole();
    writers = cluster.servers.map(({ home }) => createAlertWriter(home, 2));
  }, 180_000);
  afterAll(async () => {
    try {
      remote?.link.heal();
      await cluster?.dispose();
    } finally {
      await remote?.stop();
    }
  }, 180_000);

  const ways: readonly (readonly [string, (link: Link) => void])[] = [
    ["is cut", (link) => link.cut()],
    ["loses what the database says", (link) => link.mute()],
    ...(isLong ? ([["loses what is said to the database", (link: Link) => link.deafen()]] as const) : []),
  ];
  it.each(ways)("whose link %s: no process is touched, and no alert is lost", async (_how, lose) => {
    const before = pidsNow();
    const ever = cluster.census.all.length;
    write();
    lose(remote.link);
    const overMs = performance.now() + LOST_MS;
    await eventually(
      () => {
        write();
        return performance.now() >= overMs;
      },
      { withinMs: LOST_MS + 30_000, everyMs: 500, describe: "the link has been lost for long enough" },
    );
    const status = await cluster.cli("status");
    expect(status.code, status.stderr).toBe(3);
    remote.link.heal();
    write();
    await cluster.awaitWhole(SETTLED_MS);
    await eventually(
      async () => {
        const items = await cluster.items("--all");
        const complaints = writers.flatMap((writer) => writer.complaints(items));
        if (complaints.length > 0) throw new Error(complaints.join("; "));
      },
      { withinMs: SETTLED_MS, everyMs: 500, describe: "every line is counted once on one item a file" },
    );
    expect(pidsNow()).toEqual(before);
    expect(cluster.census.all).toHaveLength(ever);
    expect(await cluster.complaints()).toEqual([]);
  });

  it("is where the next master takes over when the pair of this one is killed", async () => {
    const taken = await killMaster(cluster);
    process.stdout.write(`      journaled after ${Math.round(taken.journaledMs)} ms\n`);
    expect(await cluster.master()).not.toBe(taken.victim);
    await taken.victim.up();
    await cluster.awaitWhole(SETTLED_MS);
    expect(await cluster.complaints()).toEqual([]);
  });
});
