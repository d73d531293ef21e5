/** What the master does without being asked, also when it is killed on the way. */
import { TypeName } from "@castellan/protocol";
import { update } from "@castellan/store";
import { afterEach, describe, expect, it } from "vitest";
import { must } from "./views.ts";
import { type Worker, World, type WorldOptions } from "./world.ts";

const RESTART: WorldOptions = {
  types: { A: {}, B: { dependsOn: [{ type: "A", onRestart: "restart" }] }, C: { dependsOn: ["B"] } },
  counts: { A: 1, B: 2, C: 1 },
};
const WAIT: WorldOptions = {
  types: { A: {}, B: { dependsOn: [{ type: "A", onRestart: "wait" }] } },
  counts: { A: 1, B: 1 },
};
const type = (name: string) => TypeName.parse(name);

const worlds: World[] = [];
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.end();
});

/** A node on which everything has been started. */
async function started(options: WorldOptions): Promise<{ world: World; worker: Worker }> {
  const world = new World(options);
  worlds.push(world);
  await world.prepare();
  const worker = must((await world.startWorker()) ?? undefined);
  await world.clock.run(10);
  await world.ended(must((await world.submit(worker, "start", "start")) ?? undefined));
  world.effects.length = 0;
  return { world, worker };
}

const followUps = (world: World) => world.gateway.find("operation", { where: { verb: "follow" } });

describe("a death", () => {
  it("has its consequences once, as a journaled operation", async () => {
    const { world, worker } = await started(RESTART);
    const id = await world.die("A 1");
    worker.conductor.tell({ type: "ProcessesDied" });
    await world.clock.run(3000);
    expect(world.effects).toEqual(["stop B 1", "launch B 1", "stop B 2", "launch B 2"]);
    expect(await followUps(world)).toMatchObject([
      { state: "done", request_id: `follow-${id}`, requested_by: "onRestart" },
    ]);
    expect(await world.gateway.find("process_event_log", { where: { followed: false } })).toEqual([]);
  });

  it("is found without being told, and that of somebody nobody depends on is put away", async () => {
    const { world } = await started(RESTART);
    await world.die("C 1");
    await world.clock.run(3000);
    expect(world.effects).toEqual([]);
    expect(await followUps(world)).toEqual([]);
    expect(await world.gateway.find("process_event_log", { where: { followed: false } })).toEqual([]);
  });

  it("waits for the operation that is under way, and is not followed twice by one that waits for it", async () => {
    const { world, worker } = await started(RESTART);
    await world.setStatus("A 1", "STARTING");
    world.broken.set("A 1", "hang"); // it does not come back
    await world.die("A 1");
    await world.clock.run(1500);
    await world.die("A 1");
    await world.clock.run(3000);
    expect(await followUps(world)).toHaveLength(1);
    expect(await world.gateway.find("process_event_log", { where: { followed: false } })).toEqual([]);
    const stop = must((await world.submit(worker, "stop", "shutdown")) ?? undefined);
    world.broken.clear();
    expect(await world.ended(stop)).toMatchObject({ state: "done" });
    expect(world.effects.filter((effect) => effect.startsWith("launch"))).toEqual([]);
  });

  it("while a dependent is being restarted after the last one is followed again, after that", async () => {
    const { world, worker } = await started({ ...RESTART, counts: { A: 1, B: 1, C: 1 }, bringMs: 1000 });
    await world.die("A 1");
    worker.conductor.tell({ type: "ProcessesDied" });
    await world.clock.run(500);
    await world.die("A 1"); // B is being restarted: it may have met the one that has just died
    worker.conductor.tell({ type: "ProcessesDied" });
    await world.clock.run(300);
    expect(await followUps(world)).toHaveLength(1);
    await world.clock.run(6000);
    expect(world.effects).toEqual(["stop B 1", "launch B 1", "stop B 1", "launch B 1"]);
    expect((await followUps(world)).map(({ state }) => state)).toEqual(["done", "done"]);
  });

  it("is not followed before an operation has ended that has a dependent in hand", async () => {
    const { world, worker } = await started({ ...WAIT, bringMs: 1000 });
    await world.submit(worker, "r", "restart", { type: type("B") });
    await world.die("A 1");
    worker.conductor.tell({ type: "ProcessesDied" });
    await world.clock.run(500);
    expect(await followUps(world)).toEqual([]);
    await world.setStatus("A 1", "SUSPENDED");
    await world.clock.run(5000);
    expect(world.effects).toEqual(["stop B 1", "launch B 1", "stop B 1"]);
    expect(await followUps(world)).toMatchObject([{ state: "done" }]);
  });

  it("is followed once though the master is killed at any moment", async () => {
    let killed = true;
    let boundary = 0;
    for (; killed; boundary += 1) {
      const { world, worker } = await started(RESTART);
      await world.die("A 1");
      world.killAt = boundary;
      await world.clock.run(5000);
      killed = worker.dead;
      world.killAt = null;
      worker.dead = true;
      await world.startWorker();
      await world.clock.run(8000);
      const at = `killed at boundary ${boundary}: ${world.effects.join(", ")}`;
      expect(world.effects, at).toEqual(["stop B 1", "launch B 1", "stop B 2", "launch B 2"]);
      expect(await followUps(world), at).toHaveLength(1);
      await must(worlds.pop()).end();
    }
    expect(boundary).toBeGreaterThan(10);
  });
});

describe("what is held", () => {
  it("is stopped at once, and started when what it waits for is ready again, whoever brought that back", async () => {
    const { world, worker } = await started(WAIT);
    await world.setStatus("A 1", "SUSPENDED");
    await world.die("A 1");
    await world.clock.run(4000);
    expect(world.effects).toEqual(["stop B 1"]);
    expect(await world.nodeState()).toBe("DEGRADED");
    await world.ended(must((await world.submit(worker, "r", "restart", { type: type("A") })) ?? undefined));
    await world.clock.run(3000);
    expect(world.effects).toEqual(["stop B 1", "launch A 1", "launch B 1"]);
    expect(await world.nodeState()).toBe("RUNNING");
  });
});

/** The instances of B: `3 temporary`. */
const rows = async (world: World) =>
  (await world.gateway.find("process_config", { where: { logical_process_name: "B" } })).map(
    (row) => `${row.logical_process_instance}${row.persistent ? "" : " temporary"}`,
  );

describe("START_NEW", () => {
  const OPTIONS: WorldOptions = { types: { A: {}, B: { dependsOn: ["A"] } }, counts: { A: 1, B: 2 } };

  it("makes temporary instances with the next numbers; stopped they are gone, and their numbers are not given again", async () => {
    const { world, worker } = await started(OPTIONS);
    const target = { server: "hades", type: type("B") };
    const made = must((await world.submit(worker, "n1", "start_new", target, { count: 2 })) ?? undefined);
    expect(await world.submit(worker, "n1", "start_new", target, { count: 2 })).toBe(made);
    expect(await world.ended(made)).toMatchObject({ state: "done" });
    expect(world.effects).toEqual(["launch B 3", "launch B 4"]);
    expect(await rows(world)).toEqual(["1", "2", "3 temporary", "4 temporary"]);
    await world.ended(must((await world.submit(worker, "s", "shutdown", { ...target, instance: 4 })) ?? undefined));
    await world.clock.run(2500);
    expect(await rows(world)).toEqual(["1", "2", "3 temporary"]);
    await world.ended(must((await world.submit(worker, "n2", "start_new", target)) ?? undefined));
    expect(await rows(world)).toEqual(["1", "2", "3 temporary", "5 temporary"]);
    await world.ended(must((await world.submit(worker, "all", "shutdown")) ?? undefined));
    await world.clock.run(2500);
    expect(await rows(world)).toEqual(["1", "2"]);
  });

  it("refuses by name what cannot be", async () => {
    const { world, worker } = await started(OPTIONS);
    const refusal = (target: object, options: object = {}) =>
      expect(world.submit(worker, world.newId(), "start_new", target, { ...options })).rejects;
    await refusal({ type: type("B") }).toMatchObject({ code: "BAD_TARGET" });
    await refusal({ server: "hadez", type: type("B") }).toMatchObject({ code: "UNKNOWN_SERVER" });
    await refusal({ server: "hades", type: type("BB") }).toMatchObject({ code: "UNKNOWN_TYPE" });
    await refusal({ server: "hades", type: type("B") }, { count: 0 }).toMatchObject({ code: "BAD_COUNT" });
    await world.setStatus("A 1", "STOPPED");
    await refusal({ server: "hades", type: type("B") }).toMatchObject({ code: "DEPENDENCY_NOT_RUNNING" });
    expect(await rows(world)).toEqual(["1", "2"]);
  });

  it("is carried out once though everything is killed at any moment", async () => {
    let killed = true;
    let boundary = 0;
    for (; killed; boundary += 1) {
      const { world, worker } = await started(OPTIONS);
      const target = { server: "hades", type: type("B") };
      world.killAt = boundary;
      await world.submit(worker, "n", "start_new", target, { count: 2 });
      await world.clock.run(3000);
      killed = worker.dead;
      world.killAt = null;
      worker.dead = true;
      const next = must((await world.startWorker()) ?? undefined);
      const id = must((await world.submit(next, "n", "start_new", target, { count: 2 })) ?? undefined);
      const at = `killed at boundary ${boundary}: ${world.effects.join(", ")}`;
      expect(await world.ended(id), at).toMatchObject({ state: "done" });
      expect(world.effects, at).toEqual(["launch B 3", "launch B 4"]);
      expect(await rows(world), at).toEqual(["1", "2", "3 temporary", "4 temporary"]);
      await must(worlds.pop()).end();
    }
    expect(boundary).toBeGreaterThan(5);
  });
});

describe("a RESTART of what is still being started", () => {
  it("goes beside the start that waits for it", async () => {
    const { world, worker } = await started({ types: { A: {} }, counts: { A: 1 }, bringMs: 500 });
    await world.gateway.commit([update("process_config", {}, { last_known_status: "STARTING" }, "any")]);
    must(world.processes.get("A 1")).status = "STOPPED";
    await world.submit(worker, "s2", "start");
    await world.clock.run(300);
    const restart = must((await world.submit(worker, "r", "restart", { type: type("A") })) ?? undefined);
    expect(await world.ended(restart)).toMatchObject({ state: "done" });
  });
});
