/**
 * kill -9 of a pair at each boundary between two states of any step of a START: of the master's, of a slave's. The plan
 * finishes, or says exactly what it could not do; nothing is started twice.
 *
 * CI takes some boundaries, chosen by a printed seed; CASTELLAN_LONG=1 takes all.
 */
import { OperationReport } from "@castellan/protocol";
import { type CliResult, eventually, startCli, testRun, testSeed } from "@castellan/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SMALL_EXCLUSIVE, smallNode } from "../harness/catalogue.ts";
import { type Cluster, type ClusterServer, makeCluster } from "../harness/cluster.ts";
import { said } from "../harness/node.ts";

/** How far a step has come. */
const PROGRESS: Readonly<Record<string, number>> = { pending: 0, ready: 0, claimed: 1, done: 2 };
const STEPS = 4;
/** Journaled, then each step claimed and done, the last one apart: then there is nothing left to interrupt. */
const BOUNDARIES = Array.from({ length: 2 * STEPS }, (_, at) => at);
const { isLong } = testRun();

let cluster: Cluster;
beforeAll(async () => {
  cluster = await makeCluster({ types: smallNode(200), exclusiveTypes: SMALL_EXCLUSIVE });
  await cluster.awaitWhole();
  await cluster.must("stop");
}, 240_000);
afterAll(() => cluster.dispose(), 240_000);

/** How far the latest START has come; null before it is journaled. */
async function progress(known: ReadonlySet<string>): Promise<number | null> {
  const operations = await cluster.gateway.find("operation", { where: { verb: "start" } });
  const fresh = operations.find(({ id }) => !known.has(id));
  if (fresh === undefined) return null;
  const steps = await cluster.gateway.find("operation_step", { where: { operation_id: fresh.id } });
  return steps.reduce((sum, { state }) => sum + (PROGRESS[state] ?? 2), 0);
}

async function startAndKill(boundary: number, victim: ClusterServer): Promise<CliResult> {
  const known = new Set((await cluster.gateway.find("operation")).map(({ id }) => id));
  const starting = startCli(["start", "--timeout", "120", "--json"], { home: cluster.dir });
  await eventually(
    async () => {
      const now = await progress(known);
      return now !== null && now >= boundary;
    },
    { withinMs: 90_000, everyMs: 1, describe: `boundary ${boundary} of the START` },
  );
  victim.killPair();
  const up = await victim.up();
  expect(up.code, said(up)).toBe(0);
  return await starting.ended;
}

/** All steps done, or the failed ones say why. */
function expectHonest(result: CliResult): void {
  expect([0, 1], said(result)).toContain(result.code);
  const report = OperationReport.parse(JSON.parse(result.stdout));
  expect(report.steps).not.toEqual([]);
  const undone = report.steps.filter(({ state }) => state !== "done");
  expect(report.state).toBe(undone.length === 0 ? "done" : "failed");
  expect(undone.filter(({ result }) => result === null || result === "")).toEqual([]);
}

async function round(boundary: number, of: "master" | "slave"): Promise<void> {
  const master = await cluster.master();
  const slave = cluster.servers.find((server) => server !== master && server.name !== "hades");
  const victim = of === "master" ? master : (slave ?? master);
  expectHonest(await startAndKill(boundary, victim));
  const again = await cluster.cli("start", "--timeout", "120");
  expect(again.code, said(again)).toBe(0);
  await cluster.awaitWhole();
  expect(await cluster.complaints()).toEqual([]);
  await cluster.must("stop");
}

const chosen = ((): readonly number[] => {
  if (isLong) return BOUNDARIES;
  const seed = testSeed();
  process.stdout.write(`      boundaries by seed ${seed}\n`);
  return [seed % BOUNDARIES.length, (seed + 3) % BOUNDARIES.length];
})();

describe.each(["slave", "master"] as const)("the pair of a %s, killed -9 in a START", (of) => {
  it.each(chosen)(
    `at boundary %i of ${BOUNDARIES.length}: the plan ends honestly, nothing is double`,
    async (boundary) => {
      await round(boundary, of);
    },
  );
});
