/**
 * kill -9 of the master's pair. Held down: another takes over at once, and the foreground follows once its old copies are
 * certainly gone. Back at once: no foreground process moves. Either way it comes back as a slave, and nothing is ever double.
 */
import { eventually } from "@castellan/testkit";
import { afterEach, describe, expect, it } from "vitest";
import { SMALL_EXCLUSIVE, smallNode } from "../harness/catalogue.ts";
import type { Counted } from "../harness/census.ts";
import { type Cluster, makeCluster } from "../harness/cluster.ts";
import { killMaster, movedElsewhere } from "../harness/take-over.ts";

const FRONT = "FRONT 1";

let cluster: Cluster;
afterEach(() => cluster.dispose());

/** `periodS`: how long foreground processes may live without contact. */
async function wholeCluster(periodS: number): Promise<void> {
  cluster = await makeCluster({
    types: smallNode(),
    exclusiveTypes: SMALL_EXCLUSIVE,
    attributes: { ISOLATION_STOP_PERIOD: String(periodS) },
  });
  await cluster.awaitWhole();
}

const ordinary = (counted: readonly Counted[]): string[] =>
  counted.filter(({ type }) => !SMALL_EXCLUSIVE.has(type)).map(({ label, server, pid }) => `${label} ${server} ${pid}`);

const pidsOf = (counted: readonly Counted[]): number[] => counted.map(({ pid }) => pid).toSorted((a, b) => a - b);

describe("the master's pair, killed -9", () => {
  it("and held down: a new master journals, the foreground follows, and the old one returns as a slave", async () => {
    await wholeCluster(5);
    const before = cluster.census.look();
    const epoch = (await cluster.status()).epoch ?? 0;
    const taken = await killMaster(cluster);
    const movedMs = await movedElsewhere(cluster, [FRONT], taken);
    process.stdout.write(
      `      journaled after ${Math.round(taken.journaledMs)} ms, moved after ${Math.round(movedMs)} ms\n`,
    );
    const next = await cluster.master();
    expect(next).not.toBe(taken.victim);
    expect(ordinary(cluster.census.look())).toEqual(ordinary(before));

    await taken.victim.up();
    const report = await cluster.awaitWhole();
    expect(report.servers.find(({ name }) => name === taken.victim.name)).toMatchObject({ role: "slave", state: "up" });
    expect((await cluster.master()).name).toBe(next.name);
    const terms = cluster.epochs.terms.filter((term) => term.epoch >= epoch);
    expect(terms.map((term) => term.epoch)).toEqual([epoch, epoch + 1]);
    expect(cluster.census.look().find(({ label }) => label === FRONT)?.server).toBe(next.name);
    expect(ordinary(cluster.census.look())).toEqual(ordinary(before));
    expect(await cluster.complaints()).toEqual([]);
  });

  it("and back at once: no process moves, none is started again", async () => {
    await wholeCluster(60);
    const before = cluster.census.look();
    const home = await cluster.master();
    const [taken] = await Promise.all([
      killMaster(cluster),
      eventually(() => home.part("worker") === null).then(home.up),
    ]);
    expect(taken.victim).toBe(home);
    // The foreground is where the master is: there is nothing left that could move.
    await eventually(async () => expect((await cluster.master()).name).toBe(home.name), {
      withinMs: 120_000,
      everyMs: 100,
      describe: "mastership is back at home",
    });
    await cluster.awaitWhole();
    expect(pidsOf(cluster.census.look())).toEqual(pidsOf(before));
    expect(cluster.census.all, "nothing else ever lived").toHaveLength(before.length);
    expect(await cluster.complaints()).toEqual([]);
  });
});
