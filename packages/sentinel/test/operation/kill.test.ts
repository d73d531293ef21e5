/**
 * A worker that is killed at every boundary of a whole START, SHUTDOWN and RESTART, one after the other, with a fresh one
 * over the same database and the same processes: every effect is there exactly once, in order.
 */
import { afterEach, describe, expect, it } from "vitest";
import { must } from "./views.ts";
import { type Worker, World } from "./world.ts";

const worlds: World[] = [];
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.end();
});

const ORDER = ["A 1", "B 1", "B 2", "C 1"];

async function freshWorld(): Promise<World> {
  const world = new World({
    types: { A: {}, B: { dependsOn: ["A"] }, C: { dependsOn: ["B"] } },
    counts: { A: 1, B: 2, C: 1 },
  });
  worlds.push(world);
  await world.prepare();
  return world;
}

/** Carries one request through, with the worker killed at the given boundary, and whoever is killed replaced. */
async function carry(world: World, verb: "start" | "shutdown" | "restart", killAt: number | null): Promise<boolean> {
  world.killAt = killAt;
  let kills = 0;
  let worker: Worker | null = null;
  for (let life = 0; life < 4; life += 1) {
    worker = await world.startWorker();
    if (worker !== null) {
      // The client asks again under the same request id until it is answered.
      const id = await world.submit(worker, verb, verb);
      const ended = id === null ? null : await world.ended(id, worker);
      if (ended !== null && !worker.dead) {
        expect(ended.state).toBe("done");
        world.killAt = null;
        worker.dead = true;
        return kills > 0;
      }
    }
    kills += 1;
  }
  throw new Error(`not carried through after ${kills} kills`);
}

describe.each(["start", "shutdown", "restart"] as const)("%s", (verb) => {
  it("survives a kill at every boundary", async () => {
    let boundary = 0;
    for (let killed = true; killed; boundary += 1) {
      const world = await freshWorld();
      if (verb !== "start") await carry(world, "start", null);
      world.effects.length = 0;
      world.launchIds.length = 0;
      killed = await carry(world, verb, boundary);
      const at = `killed at boundary ${boundary}: ${world.effects.join(", ")}`;

      const launched = world.effects.filter((effect) => effect.startsWith("launch")).map((effect) => effect.slice(7));
      const stopped = world.effects.filter((effect) => effect.startsWith("stop")).map((effect) => effect.slice(5));
      expect([...launched].sort(), at).toEqual(verb === "shutdown" ? [] : ORDER);
      expect([...stopped].sort(), at).toEqual(verb === "start" ? [] : ORDER);
      expect(new Set(world.launchIds).size, at).toBe(launched.length);
      if (verb !== "shutdown") expect([launched[0], launched.at(-1)], at).toEqual(["A 1", "C 1"]);
      else expect([stopped[0], stopped.at(-1)], at).toEqual(["C 1", "A 1"]);
      for (const label of ORDER) {
        expect(must(world.processes.get(label)).status, at).toBe(verb === "shutdown" ? "STOPPED" : "RUNNING");
      }
      expect(await world.gateway.find("operation", { where: { request_id: verb } }), at).toHaveLength(1);
      await must(worlds.pop()).end();
    }
    // Each of the four steps alone has four boundaries.
    expect(boundary).toBeGreaterThan(25);
  });
});
