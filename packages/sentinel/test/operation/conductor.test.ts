import { CastellanError } from "@castellan/kernel";
import { TypeName } from "@castellan/protocol";
import { insert, StoreAmbiguous, StoreUnavailable, update, type Write } from "@castellan/store";
import { afterEach, describe, expect, it } from "vitest";
import { must } from "./views.ts";
import { type Worker, World, type WorldOptions } from "./world.ts";

const CHAIN: WorldOptions = {
  types: { A: {}, B: { dependsOn: ["A"] }, C: { dependsOn: ["B"], pausable: true } },
  counts: { A: 1, B: 2, C: 1 },
};

const worlds: World[] = [];
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.end();
});

async function begin(options: WorldOptions = CHAIN): Promise<{ world: World; worker: Worker }> {
  const world = new World(options);
  worlds.push(world);
  await world.prepare();
  const worker = await world.startWorker();
  if (worker === null) throw new Error("no worker");
  await world.clock.run(10);
  return { world, worker };
}

async function perform(
  world: World,
  worker: Worker,
  requestId: string,
  verb: "start" | "shutdown" | "restart" | "pause",
) {
  const id = await world.submit(worker, requestId, verb);
  if (id === null) throw new Error("not accepted");
  return must((await world.ended(id)) ?? undefined);
}

const type = (name: string) => TypeName.parse(name);

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (thrown) {
    return thrown instanceof CastellanError ? thrown.code : String(thrown);
  }
  return "no refusal";
}

describe("an operation", () => {
  it("starts everything in order, stops it in reverse, and records how it ended", async () => {
    const { world, worker } = await begin();
    expect(await perform(world, worker, "r1", "start")).toMatchObject({ state: "done", result_text: "4 done" });
    expect(world.effects.splice(0)).toEqual(["launch A 1", "launch B 1", "launch B 2", "launch C 1"]);
    expect(await perform(world, worker, "r2", "shutdown")).toMatchObject({ state: "done" });
    expect(world.effects.splice(0)).toEqual(["stop C 1", "stop B 1", "stop B 2", "stop A 1"]);
  });

  it("says what the node is while it runs and afterwards, once each", async () => {
    const { world, worker } = await begin();
    await perform(world, worker, "r1", "start");
    await world.clock.run(1500);
    expect(await world.nodeState()).toBe("RUNNING");
    await perform(world, worker, "r2", "shutdown");
    await world.clock.run(1500);
    expect(world.published.map(({ previous, state }) => `${previous} -> ${state}`)).toEqual([
      "STOPPED -> STARTING",
      "STARTING -> RUNNING",
      "RUNNING -> SHUTTING DOWN",
      "SHUTTING DOWN -> STOPPED",
    ]);
  });

  it("that stops the whole node is the stop that was announced: it does not come again later", async () => {
    const { world, worker } = await begin();
    await perform(world, worker, "r1", "start");
    const stop_at = new Date(world.clock.now().getTime() + 600_000);
    await world.gateway.commit([insert("forced_stop", { id: 1, request_id: "f1", requested_by: "bob", stop_at })]);
    await perform(world, worker, "r2", "restart");
    expect(await world.gateway.find("forced_stop")).toHaveLength(1);
    await perform(world, worker, "r3", "shutdown");
    expect(await world.gateway.find("forced_stop")).toEqual([]);
    // Who waits for it hears that it has come.
    expect(await world.gateway.find("operation", { where: { request_id: "f1" } })).toMatchObject([
      { verb: "shutdown", state: "done", requested_by: "bob", result_text: "the node was stopped before, by ann" },
    ]);
  });

  it("is made once for each start of a server, also of one that was taken out of the node and is back", async () => {
    const { world, worker } = await begin();
    const { incarnation } = worker;
    const boot = async (): Promise<string | null> => {
      const asked = worker.conductor
        .ask({ type: "Boot", server: "hades", incarnation }, { timeoutMs: 5000 })
        .then(({ operationId }) => operationId);
      return await Promise.race([asked, world.clock.run(50).then(() => null)]);
    };
    const first = must((await boot()) ?? undefined);
    expect(await boot()).toBe(first);
    await world.ended(first);
    const started_at = new Date(world.clock.now().getTime() + 1000);
    await world.gateway.commit([update("sentinel", { logical_machine_id: world.serverId }, { started_at })]);
    expect([null, first]).not.toContain(await boot());
  });

  it("starts what runs already, and says so", async () => {
    const { world, worker } = await begin();
    await perform(world, worker, "r1", "start");
    world.effects.length = 0;
    expect(await perform(world, worker, "r2", "start")).toMatchObject({ state: "done" });
    expect(world.effects).toEqual([]);
  });

  it("restarts what runs: each instance is stopped and launched once, in start order", async () => {
    const { world, worker } = await begin();
    await perform(world, worker, "r1", "start");
    world.effects.length = 0;
    await perform(world, worker, "r2", "restart");
    expect(world.effects.filter((effect) => effect.startsWith("launch"))).toEqual([
      "launch A 1",
      "launch B 1",
      "launch B 2",
      "launch C 1",
    ]);
    expect(new Set(world.launchIds).size).toBe(8);
  });

  it("is the same operation however often the request comes", async () => {
    const { world, worker } = await begin();
    const first = await world.submit(worker, "r1", "start");
    expect(await world.submit(worker, "r1", "start")).toBe(first);
    await world.ended(must(first ?? undefined));
    expect(await world.submit(worker, "r1", "start")).toBe(first);
    expect(world.effects).toHaveLength(4);
  });

  it("ends failed where a step fails, skips what needs it, and goes on with the rest", async () => {
    const { world, worker } = await begin({ types: { ...CHAIN.types, D: {} }, counts: { ...CHAIN.counts, D: 1 } });
    world.broken.set("B 2", new CastellanError("START_FAILED", "exit code 3"));
    const operation = await perform(world, worker, "r1", "start");
    expect(operation.state).toBe("failed");
    expect(operation.result_text).toBe("2 of 5 not done; B 2 on hades: START_FAILED: exit code 3");
    expect(await world.steps(operation.id)).toEqual(["A 1 done", "D 1 done", "B 1 done", "B 2 failed", "C 1 skipped"]);
    await world.clock.run(2500);
    expect(await world.nodeState()).toBe("DEGRADED");
  });

  it("does not wait for ever for a process that never gets there", async () => {
    const { world, worker } = await begin({ ...CHAIN, stepDeadlineMs: 5000 });
    world.broken.set("A 1", "hang");
    expect((await perform(world, worker, "r1", "start")).result_text).toContain("A 1 on hades: STEP_TIMED_OUT");
  });

  it("with nothing to do is recorded as done", async () => {
    const { world, worker } = await begin({ types: {}, counts: {} });
    expect(await perform(world, worker, "r1", "start")).toMatchObject({
      state: "done",
      result_text: "nothing to do: no instance is defined",
    });
  });
});

describe("a refused request", () => {
  it("carries the planner's code and leaves no row", async () => {
    const { world, worker } = await begin();
    expect(await codeOf(world.submit(worker, "r1", "start", { type: type("NOPE") }))).toBe("UNKNOWN_TYPE");
    expect(await codeOf(world.submit(worker, "r2", "start", { type: type("C") }))).toBe("DEPENDENCY_NOT_RUNNING");
    expect(await world.gateway.find("operation")).toEqual([]);
  });

  it("is told which operation is in its way", async () => {
    const { world, worker } = await begin({ ...CHAIN, bringMs: 500 });
    const first = await world.submit(worker, "r1", "start");
    await expect(world.submit(worker, "r2", "start", { type: type("A") })).rejects.toMatchObject({
      code: "BUSY",
      retryable: true,
      details: { operationId: first },
    });
  });
});

describe("a shutdown", () => {
  it("supersedes a start under way: what was begun is stopped, the rest never begins", async () => {
    const { world, worker } = await begin({ ...CHAIN, bringMs: 300 });
    const start = must((await world.submit(worker, "r1", "start")) ?? undefined);
    await world.clock.run(400); // A runs, B is being started
    const shutdown = must((await world.submit(worker, "r2", "shutdown")) ?? undefined);
    expect(await world.ended(shutdown)).toMatchObject({ state: "done" });
    const superseded = must((await world.ended(start)) ?? undefined);
    expect(superseded.state).toBe("failed");
    expect(superseded.result_text).toContain("superseded by shutdown of the node");
    expect(await world.steps(start)).toEqual(["A 1 done", "B 1 skipped", "B 2 skipped", "C 1 skipped"]);
    expect(world.effects).not.toContain("launch C 1");
    await world.clock.run(2000);
    expect(await world.nodeState()).toBe("STOPPED");
  });

  it("of something a start is about to rely on is refused", async () => {
    const { world, worker } = await begin({ ...CHAIN, bringMs: 300 });
    await world.submit(worker, "r1", "start");
    await world.clock.run(400);
    expect(await codeOf(world.submit(worker, "r2", "shutdown", { type: type("A") }))).toBe("HAS_DEPENDENTS");
  });
});

/** Has the worker's next commits fail; `kept`: after they happened. */
function trouble(worker: Worker, errors: (Error | "ok" | "kept")[]): void {
  const { commit } = worker.gateway;
  Object.assign(worker.gateway, {
    commit: async (writes: readonly Write[]) => {
      const next = errors.shift() ?? "ok";
      if (typeof next !== "string") throw next;
      const touched = await commit(writes);
      if (next === "kept") throw new StoreAmbiguous("the connection broke");
      return touched;
    },
  });
}

describe("a database in trouble", () => {
  it("answers a request whose commit happened unheard, and one whose commit did not with a refusal to repeat", async () => {
    const { world, worker } = await begin();
    trouble(worker, ["kept", "ok"]);
    const id = await world.submit(worker, "r1", "start");
    expect(await world.ended(must(id ?? undefined))).toMatchObject({ state: "done" });
    trouble(worker, [new StoreAmbiguous("the connection broke")]);
    await expect(world.submit(worker, "r2", "shutdown")).rejects.toMatchObject({
      code: "STORE_AMBIGUOUS",
      retryable: true,
    });
    expect(await world.gateway.find("operation")).toHaveLength(1);
    expect(await perform(world, worker, "r2", "shutdown")).toMatchObject({ state: "done" });
  });

  it("goes on with a plan when it is back", async () => {
    const { world, worker } = await begin();
    const id = must((await world.submit(worker, "r1", "start")) ?? undefined);
    trouble(
      worker,
      Array.from({ length: 12 }, () => new StoreUnavailable("away")),
    );
    expect(await world.ended(id)).toMatchObject({ state: "done" });
    expect(world.effects).toHaveLength(4);
    expect(worker.deposed + worker.superseded).toBe(0);
  });
});

describe("mastership", () => {
  it("once lost, ends the conductor: it says so once and refuses", async () => {
    const { world, worker } = await begin();
    const next = must((await world.startWorker()) ?? undefined);
    await world.clock.run(3000);
    expect(worker.deposed).toBe(1);
    expect(worker.superseded).toBe(0); // it had nothing to claim
    expect(await codeOf(world.submit(worker, "r1", "start"))).toBe("NOT_MASTER");
    expect(await perform(world, next, "r1", "start")).toMatchObject({ state: "done", epoch: next.epoch });
  });

  it("lost between the look and the commit leaves nothing behind", async () => {
    const { world, worker } = await begin();
    // The epoch moves right before the commit: the view was read under the old one.
    const { find } = worker.gateway;
    let moved = false;
    Object.assign(worker.gateway, {
      find: async (table: "operation", query: object) => {
        const rows = await find(table, query);
        if (table === "operation" && "where" in query && !moved) {
          const where = JSON.stringify(query.where);
          if (where.includes("open")) {
            moved = true;
            await world.gateway.commit([update("node_state", { id: 1 }, { epoch: { add: 1 } })]);
          }
        }
        return rows;
      },
    });
    expect(await codeOf(world.submit(worker, "r1", "start"))).toBe("NOT_MASTER");
    expect(moved).toBe(true);
    expect(worker.deposed).toBe(1);
    expect(await world.gateway.find("operation")).toEqual([]);
    expect(await world.gateway.find("operation_step")).toEqual([]);
  });
});

describe("the state of the node", () => {
  it("does not flicker while a process is replaced, and says DEGRADED when it stays away", async () => {
    const { world, worker } = await begin();
    await perform(world, worker, "r1", "start");
    await world.clock.run(1500);
    world.published.length = 0;
    await world.setStatus("B 1", "STARTING");
    await world.clock.run(800);
    await world.setStatus("B 1", "RUNNING");
    await world.clock.run(3000);
    expect(world.published).toEqual([]);
    await world.setStatus("B 1", "SUSPENDED");
    await world.clock.run(2500);
    await world.setStatus("B 1", "RUNNING");
    await world.clock.run(1100);
    expect(world.published.map(({ state }) => state)).toEqual(["DEGRADED", "RUNNING"]);
  });
});
