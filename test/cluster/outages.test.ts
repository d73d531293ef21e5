/**
 * The bus away, the database away, both away, for longer than foreground processes may live without contact. Nothing ordinary
 * is touched; foreground processes stop when both are away, at their deadline, and are back exactly once. Who follows the
 * alerts hears every one of them, and the history is complete afterwards.
 *
 * Twelve seconds in CI; CASTELLAN_LONG=1 makes it a minute.
 */
import { eventually, type Postgres, postgres, postgresBinaries, testRun } from "@castellan/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type AlertWriter, createAlertWriter } from "../harness/alert-writer.ts";
import { SMALL_EXCLUSIVE, smallNode } from "../harness/catalogue.ts";
import { type Cluster, makeCluster } from "../harness/cluster.ts";
import { type Subscriber, subscribe } from "../harness/subscriber.ts";

const { isLong } = testRun();
const OUTAGE_MS = isLong ? 60_000 : 12_000;
const PERIOD_S = isLong ? 20 : 5;
const SETTLED_MS = 120_000;

interface Outage {
  begin(): Promise<void>;
  end(): Promise<void>;
}

let server: Postgres | undefined;
let cluster: Cluster;
let subscriber: Subscriber | undefined;
let writers: AlertWriter[];

const pidsNow = (): number[] =>
  cluster.census
    .look()
    .map(({ pid }) => pid)
    .toSorted((a, b) => a - b);

const write = (): void => {
  for (const writer of writers) writer.write();
};

/** Writes alerts on every server before, while it lasts, and afterwards. When it had begun for certain, milliseconds since the epoch. */
async function through(outage: Outage): Promise<number> {
  write();
  await outage.begin();
  const begunMs = Date.now();
  const untilMs = performance.now() + OUTAGE_MS;
  await eventually(
    () => {
      write();
      return performance.now() >= untilMs;
    },
    { withinMs: OUTAGE_MS + 60_000, everyMs: 500, describe: "the outage is over" },
  );
  await outage.end();
  write();
  return begunMs;
}

async function expectAllAlerts(): Promise<void> {
  await eventually(
    async () => {
      const items = await cluster.items("--all");
      const complaints = writers.flatMap((writer) => writer.complaints(items));
      if (complaints.length > 0) throw new Error(complaints.join("; "));
    },
    { withinMs: SETTLED_MS, everyMs: 500, describe: "every line is counted once on one item a file" },
  );
  const applied = (await cluster.gateway.find("work_item_event")).flatMap(({ alert_id: id }) =>
    id === null ? [] : [id],
  );
  await eventually(
    () => {
      const heard = new Set(subscriber?.ids());
      const missed = applied.filter((id) => !heard.has(id));
      if (missed.length > 0)
        throw new Error(`${missed.length} of ${applied.length} alerts were not heard: ${missed[0]}`);
    },
    { withinMs: 90_000, everyMs: 200, describe: "the subscriber has heard every alert" },
  );
  const ids = subscriber?.ids() ?? [];
  expect(new Set(ids).size, "no repeat was passed on").toBe(ids.length);
}

// Debian's postgresql is needed; where it is missing the whole of .ci/run installs it.
describe.skipIf(postgresBinaries() === undefined)("a cluster", () => {
  beforeAll(async () => {
    server = await postgres();
    cluster = await makeCluster({
      types: smallNode(),
      exclusiveTypes: SMALL_EXCLUSIVE,
      attributes: { ISOLATION_STOP_PERIOD: String(PERIOD_S) },
      postgres: server,
    });
    await cluster.awaitWhole();
    subscriber = subscribe(cluster.dir);
    writers = cluster.servers.map(({ home }) => createAlertWriter(home, 2));
    write();
    const { ids } = subscriber;
    await eventually(() => ids().length > 0, { withinMs: 90_000, everyMs: 200, describe: "the subscriber listens" });
  }, 180_000);
  afterEach(async () => {
    // The next one begins with what is whole, whatever became of this one.
    await cluster.awaitWhole(SETTLED_MS);
  });
  afterAll(async () => {
    try {
      await subscriber?.stop();
      await cluster?.dispose();
    } finally {
      await server?.stop();
    }
  }, 180_000);

  const bus: Outage = {
    begin: async () => await cluster.bus?.kill9(),
    end: async () => await cluster.bus?.restart(),
  };
  const database: Outage = {
    begin: async () => await server?.kill9(),
    end: async () => await server?.restart(),
  };
  const both: Outage = {
    async begin() {
      await Promise.all([bus.begin(), database.begin()]);
    },
    async end() {
      await Promise.all([bus.end(), database.end()]);
    },
  };

  it.each([
    ["the bus", bus],
    ["the database", database],
  ])("without %s: no process is stopped, moved or started, and every alert is heard", async (_what, outage) => {
    const before = pidsNow();
    const ever = cluster.census.all.length;
    await through(outage);
    await cluster.awaitWhole(SETTLED_MS);
    await expectAllAlerts();
    expect(pidsNow()).toEqual(before);
    expect(cluster.census.all).toHaveLength(ever);
    expect(await cluster.complaints()).toEqual([]);
  });

  it("without both: the foreground stops at its deadline and is back exactly once, nothing else is touched", async () => {
    const before = cluster.census.look();
    const ever = cluster.census.all.length;
    const begunMs = await through(both);
    const thenMs = Date.now();
    await cluster.awaitWhole(SETTLED_MS);
    await expectAllAlerts();
    const after = new Set(cluster.census.look().map(({ pid }) => pid));
    for (const { label, type, pid, lastMs } of before) {
      expect(after.has(pid), label).toBe(!SMALL_EXCLUSIVE.has(type));
      if (!SMALL_EXCLUSIVE.has(type)) continue;
      expect(lastMs, `${label} stopped while both were away`).toBeLessThan(thenMs);
      // It has its deadline from its last renewal, which was before the outage.
      expect(lastMs - begunMs, `${label} stopped at its deadline`).toBeLessThanOrEqual(PERIOD_S * 1000 + 1000);
    }
    expect(cluster.census.all.length - ever, "started once each").toBe(SMALL_EXCLUSIVE.size);
    expect(await cluster.complaints()).toEqual([]);
  });
});
