/**
 * How soon a lost master is replaced: its pair is killed -9 and held down, until a new master has journaled an operation,
 * and until the foreground runs elsewhere; and how long a START of the catalogue (17 instances, three servers, each ready
 * after 0.2 s) takes, beside the floor of its graph. On one machine, SQLite; as root also on hosts of their own (network
 * namespaces), with PostgreSQL on a fourth: the master's is cut off. Run: `npm run bench:cluster [ROUNDS]`
 */
import { catalogue, FOREGROUND, SMALL_EXCLUSIVE, smallNode } from "../../test/harness/catalogue.ts";
import { type Cluster, type ClusterOptions, makeCluster } from "../../test/harness/cluster.ts";
import { makeHosts } from "../../test/harness/hosts.ts";
import { whyNoRemotePostgres } from "../../test/harness/remote-postgres.ts";
import { journaledWithin, killMaster, movedElsewhere } from "../../test/harness/take-over.ts";

const ROUNDS = Number(process.argv[2] ?? 20);
const PERIOD_S = 20;
const READY_MS = 200;
/** Who has just come back judges nobody yet, and is no witness: what is measured is a node that has been whole for a while. */
const SETTLED_MS = 5000;
/** Listeners, WQS, WIS, WISMBD, background: one layer after the other. */
const LAYERS = 5;

const show = (what: string, values: readonly number[]): void => {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(0);
  console.log(`| ${what} | ${at(0.5)} | ${at(0.95)} | ${at(1)} | ${sorted.length} |`);
};

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, SETTLED_MS));

function tellViolations(complaints: readonly string[]): void {
  for (const complaint of complaints) console.log(`VIOLATED: ${complaint}`);
  if (complaints.length > 0) process.exitCode = 1;
}

async function withCluster(options: ClusterOptions, use: (cluster: Cluster) => Promise<void>): Promise<void> {
  const cluster = await makeCluster({ postgres: null, ...options });
  try {
    await cluster.awaitWhole();
    await use(cluster);
    tellViolations(await cluster.complaints());
  } finally {
    await cluster.dispose();
  }
}

console.log("| milliseconds | median | p95 | worst | of |\n|---|---|---|---|---|");

for (const bus of ["own", "external"] as const) {
  const journaled: number[] = [];
  const moved: number[] = [];
  const lost = {
    types: smallNode(),
    exclusiveTypes: SMALL_EXCLUSIVE,
    bus,
    attributes: { ISOLATION_STOP_PERIOD: String(PERIOD_S) },
  };
  await withCluster(lost, async (cluster) => {
    await settled();
    for (let round = 0; round < ROUNDS; round += 1) {
      const taken = await killMaster(cluster);
      journaled.push(taken.journaledMs);
      moved.push(await movedElsewhere(cluster, ["FRONT 1"], taken));
      await taken.victim.up();
      await cluster.awaitWhole(60_000);
      await settled();
    }
  });
  show(`pair of the master killed, a new master journals (bus: ${bus})`, journaled);
  show(`and the foreground runs elsewhere, period ${PERIOD_S} s (bus: ${bus})`, moved);
}

if (whyNoRemotePostgres() === undefined) {
  const cutOff: number[] = [];
  const period = { ISOLATION_STOP_PERIOD: String(PERIOD_S) };
  const hosts = await makeHosts({ types: smallNode(), exclusiveTypes: SMALL_EXCLUSIVE, attributes: period });
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      await hosts.awaitWhole();
      await settled();
      const old = await hosts.master();
      const others = hosts.servers.filter((server) => server !== old);
      const target = { server: others[0]?.name ?? "" };
      cutOff.push(await journaledWithin(hosts.busOf(...others), target, () => old.link.cut()));
      old.link.heal();
    }
    await hosts.awaitWhole();
    tellViolations(await hosts.complaints());
  } finally {
    await hosts.dispose();
  }
  show("host of the master cut off, a new master journals (bus: own, PostgreSQL on another host)", cutOff);
} else console.log(`(host cut off: ${whyNoRemotePostgres()})`);

const starts: number[] = [];
await withCluster({ types: catalogue(READY_MS), exclusiveTypes: FOREGROUND, bus: "own" }, async (cluster) => {
  for (let round = 0; round < Math.min(ROUNDS, 10); round += 1) {
    await cluster.must("stop");
    const before = cluster.journal().length;
    await cluster.must("start");
    await cluster.awaitWhole();
    const told = cluster.journal().slice(before);
    const at = (what: string): number[] => told.filter((one) => one.what === what).map(({ atMs }) => atMs);
    starts.push(Math.max(...at("ready")) - Math.min(...at("started")));
  }
});
show(`START of 17 on three servers, first started to last ready; floor ${(LAYERS * READY_MS).toFixed(0)}`, starts);
