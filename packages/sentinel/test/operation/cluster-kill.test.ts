/** Workers that are killed at every boundary of a START, a SHUTDOWN and a move over several servers, and return or stay away. */
import { afterEach, describe, expect, it } from "vitest";
import { Cluster } from "./cluster-world.ts";
import { must } from "./views.ts";

const clusters: Cluster[] = [];
afterEach(async () => {
  for (const cluster of clusters.splice(0)) await cluster.end();
});

/** The foreground on hades, whom the others need; zeus in the middle. */
async function begin(): Promise<Cluster> {
  const cluster = new Cluster({
    types: {
      WIS: { layer: "foreground" },
      DBQD: { dependsOn: ["WIS"] },
      BG: { dependsOn: ["DBQD"] },
    },
    servers: { hades: { WIS: 1, BG: 1 }, zeus: { DBQD: 1 }, hera: { BG: 1 } },
  });
  clusters.push(cluster);
  await cluster.prepare();
  return cluster;
}
const ALL = ["BG 1@hades", "BG 1@hera", "DBQD 1@zeus", "WIS 1@hades"];

interface Scenario {
  /** How long who is killed stays away, milliseconds; null: for good. */
  readonly awayMs: number | null;
  /** What has happened before. */
  readonly before?: (cluster: Cluster) => Promise<void>;
  readonly act: (cluster: Cluster) => Promise<void>;
  readonly check: (cluster: Cluster, at: string) => Promise<void>;
  /** Boundaries from one try to the next. */
  readonly stride?: number;
}

/** Kills at one boundary after the other until nobody comes to the next. Answers how many there were. */
async function atEveryBoundary({ awayMs, before, act, check, stride = 1 }: Scenario): Promise<number> {
  for (let boundary = 0; ; boundary += stride) {
    const cluster = await begin();
    await before?.(cluster);
    cluster.effects.length = 0;
    cluster.awayMs = awayMs;
    cluster.killAt = boundary;
    await act(cluster);
    const { killed } = cluster;
    cluster.killAt = null;
    const at = `${killed} killed at ${boundary}: ${cluster.effects.join(", ")}`;
    try {
      await check(cluster, at);
    } catch (thrown) {
      throw new Error(`${at}\n${await cluster.story()}`, { cause: thrown });
    }
    expect(await cluster.open(), at).toEqual([]);
    expect(cluster.complaints, at).toEqual([]);
    await must(clusters.pop()).end();
    if (killed === null) return boundary;
  }
}

const perform = (verb: "start" | "shutdown") => async (cluster: Cluster) => {
  const id = must((await cluster.submit(verb, verb)) ?? undefined);
  await cluster.ended(id);
};
const launches = (cluster: Cluster): string[] =>
  cluster.effects.flatMap((effect) => (effect.startsWith("launch ") ? [effect.slice(7)] : []));

async function stepsOf(cluster: Cluster, requestId: string) {
  const [row] = await cluster.gateway.find("operation", { where: { request_id: requestId } });
  const steps = await cluster.gateway.find("operation_step", { where: { operation_id: must(row).id } });
  return { operation: must(row), steps };
}

describe("whoever is killed at any boundary and comes back", { timeout: 120_000 }, () => {
  it("a start is carried through, once and in order", async () => {
    const boundaries = await atEveryBoundary({
      awayMs: 1000,
      act: perform("start"),
      async check(cluster, at) {
        expect((await stepsOf(cluster, "start")).operation.state, at).toBe("done");
        await cluster.run(2000);
        expect(cluster.running(), at).toEqual(ALL);
        expect(launches(cluster).sort(), at).toEqual(ALL);
      },
    });
    expect(boundaries).toBeGreaterThan(20);
  });

  it("a shutdown is carried through", async () => {
    await atEveryBoundary({
      awayMs: 1000,
      stride: 4,
      before: perform("start"),
      act: perform("shutdown"),
      async check(cluster, at) {
        expect((await stepsOf(cluster, "shutdown")).operation.state, at).toBe("done");
        expect(cluster.running(), at).toEqual([]);
        expect(cluster.effects, at).toHaveLength(ALL.length);
      },
    });
  });

  it("the foreground goes with a master that a person has named, and is never there twice", async () => {
    const boundaries = await atEveryBoundary({
      awayMs: 1000,
      before: perform("start"),
      async act(cluster) {
        await cluster.setMaster("zeus");
        await cluster.run(20_000, 1000);
      },
      async check(cluster, at) {
        await cluster.run(20_000, 1000);
        const [mastership] = await cluster.gateway.find("node_state");
        const master = must(cluster.servers.find(({ id }) => id === must(mastership).master_id)).name;
        expect(cluster.running(), at).toEqual(["BG 1@hades", "BG 1@hera", "DBQD 1@zeus", `WIS 1@${master}`]);
      },
    });
    expect(boundaries).toBeGreaterThan(8);
  });
});

describe("whoever is killed at any boundary and stays away", { timeout: 120_000 }, () => {
  it("a start ends and says of every process what became of it; the foreground runs on whoever is master", async () => {
    await atEveryBoundary({
      awayMs: null,
      stride: 5,
      act: perform("start"),
      async check(cluster, at) {
        const lost = cluster.killed;
        const { operation, steps } = await stepsOf(cluster, "start");
        for (const step of steps) {
          const name = must(cluster.servers.find(({ id }) => id === step.logical_machine_id)).name;
          if (step.state !== "done") expect(step.result_text, `${at}; ${name}`).toContain("SERVER_DOWN: ");
        }
        expect(operation.state === "done", at).toBe(steps.every(({ state }) => state === "done"));
        await cluster.run(60_000, 2500);
        const [mastership] = await cluster.gateway.find("node_state");
        const master = must(cluster.servers.find(({ id }) => id === must(mastership).master_id)).name;
        expect(master, at).not.toBe(lost);
        expect(cluster.running().filter((label) => label.startsWith("WIS"))).toEqual([`WIS 1@${master}`]);
      },
    });
  });
});

describe("whoever is killed at any boundary and comes back when all have given it up", { timeout: 120_000 }, () => {
  it("everything runs in the end, once, and the foreground on the master", async () => {
    await atEveryBoundary({
      awayMs: 60_000,
      stride: 5,
      act: perform("start"),
      async check(cluster, at) {
        await cluster.run(100_000, 2500);
        const [mastership] = await cluster.gateway.find("node_state");
        const master = must(cluster.servers.find(({ id }) => id === must(mastership).master_id)).name;
        expect(cluster.running(), at).toEqual(["BG 1@hades", "BG 1@hera", "DBQD 1@zeus", `WIS 1@${master}`]);
      },
    });
  });

  it("what was to be stopped is stopped in the end", async () => {
    await atEveryBoundary({
      awayMs: 60_000,
      stride: 9,
      before: perform("start"),
      act: perform("shutdown"),
      async check(cluster, at) {
        await cluster.run(100_000, 2500);
        expect(cluster.running(), at).toEqual([]);
      },
    });
  });
});
