import { type ActorRef, createActorSystem } from "@castellan/actor";
import { createManualClock, type ManualClock } from "@castellan/actor/testing";
import { CastellanError, createIdSource, createSeededRng, silentLogger } from "@castellan/kernel";
import { type Gateway, insert, type Row, update } from "@castellan/store";
import { afterEach, describe, expect, it } from "vitest";
import {
  createStepRunner,
  type StepRunnerCommand,
  type StepRunnerDeps,
  type StepToPerform,
} from "../../src/operation/step-runner.ts";
import { takeIncarnation } from "../../src/role/incarnation.ts";
import { takeOver } from "../../src/role/mastership.ts";
import { createFlaky, type Flaky, twoServers } from "../role/gateways.ts";
import { must } from "./views.ts";

const nothing = (): void => undefined;

interface Rig {
  readonly clock: ManualClock;
  readonly gateway: Gateway;
  readonly flaky: Flaky;
  readonly hades: number;
  readonly zeus: number;
  readonly incarnation: number;
  readonly runner: ActorRef<StepRunnerCommand>;
  readonly brought: StepToPerform[];
  readonly finished: string[];
  superseded: number;
  recorded: Promise<void>;
  seenEpoch: number;
}

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

const ok = { status: "RUNNING", comment: "started" } as const;

async function rig(
  steps: readonly Partial<Row<"operation_step">>[],
  bring: StepRunnerDeps["bring"] = async () => ok,
): Promise<Rig> {
  const clock = createManualClock();
  const rng = createSeededRng(1);
  const newId = createIdSource(clock, rng);
  const { database, ...servers } = await twoServers(clock);
  const flaky = createFlaky(database);
  const now = clock.now();
  await takeOver(servers.gateway, { serverId: servers.hades, nonce: "m", now });
  await servers.gateway.commit([
    insert("operation", {
      id: "op",
      request_id: "r1",
      verb: "start",
      target: "{}",
      options: "{}",
      requested_by: "ann",
      state: "open",
      result_text: null,
      epoch: 1,
      created_at: now,
      finished_at: null,
    }),
    ...steps.map((step, at) =>
      insert("operation_step", {
        id: `s${at + 1}`,
        operation_id: "op",
        seq: at + 1,
        logical_machine_id: servers.hades,
        logical_process_name: "BG",
        logical_process_instance: at + 1,
        desired: "RUNNING",
        depends_on: "[]",
        state: "ready",
        epoch: 1,
        launch_id: `l${at + 1}`,
        claimed_by: null,
        claimed_at: null,
        finished_at: null,
        result_text: null,
        ...step,
      }),
    ),
  ]);
  const incarnation = await takeIncarnation(servers.gateway, {
    serverId: servers.hades,
    nonce: "i",
    program: "0.2.0",
    now,
  });
  const system = createActorSystem({ host: "hades", clock, rng, newId, logger: silentLogger });
  ends.push(async () => {
    const stopping = system.stop(1);
    await clock.run(2000);
    await stopping;
  });
  const made: Omit<Rig, "runner"> = {
    ...servers,
    clock,
    flaky,
    incarnation,
    brought: [],
    finished: [],
    superseded: 0,
    recorded: Promise.resolve(),
    seenEpoch: 1,
  };
  const runner = system.spawn(
    createStepRunner({
      gateway: flaky.gateway,
      serverId: servers.hades,
      incarnation,
      bring: (step) => {
        made.brought.push(step);
        return bring(step);
      },
      deadlineOf: () => 5000,
      seenEpoch: () => made.seenEpoch,
      recorded: () => made.recorded,
      finished: (operationId) => made.finished.push(operationId),
      onSuperseded: () => {
        made.superseded += 1;
      },
    }),
    "runner",
  );
  return Object.assign(made, { runner });
}

async function stepsOf({ gateway }: Rig): Promise<string[]> {
  const rows = await gateway.find("operation_step", { orderBy: [{ column: "seq" }] });
  return rows.map(({ state, result_text: text }) => (text === null ? state : `${state}: ${text}`));
}

describe("the step runner", () => {
  it("performs what is ready on its own server, and tells the conductor", async () => {
    const made = await rig([{}, { state: "pending" }, { logical_machine_id: 2 }]);
    await made.clock.settle();
    expect(made.brought).toEqual([{ type: "BG", instance: 1, desired: "RUNNING", launchId: "l1" }]);
    expect(await stepsOf(made)).toEqual(["done: started", "pending", "ready"]);
    expect(made.finished).toEqual(["op"]);
    const row = must((await made.gateway.find("operation_step", { where: { id: "s1" } }))[0]);
    expect(row).toMatchObject({ claimed_by: made.incarnation, finished_at: made.clock.now() });
  });

  it("leaves alone what a schema shows under an older epoch than was seen", async () => {
    const made = await rig([{ state: "pending" }]);
    await made.clock.settle();
    made.seenEpoch = 2;
    await made.gateway.commit([update("operation_step", { id: "s1" }, { state: "ready" })]);
    await made.clock.run(3000);
    expect([made.brought, await stepsOf(made)]).toEqual([[], ["ready"]]);
    await takeOver(made.gateway, { serverId: made.zeus, nonce: "z", now: made.clock.now() });
    await made.clock.run(2000);
    expect(await stepsOf(made)).toEqual(["done: started"]);
  });

  it("records a result after the status it stands for", async () => {
    const made = await rig([{}]);
    let written = nothing;
    made.recorded = new Promise((resolve) => {
      written = resolve;
    });
    await made.clock.settle();
    expect(await stepsOf(made)).toEqual(["claimed"]);
    written();
    await made.clock.settle();
    expect(await stepsOf(made)).toEqual(["done: started"]);
  });

  it("finds a step without being woken, within a second", async () => {
    const made = await rig([{ state: "pending" }]);
    await made.clock.settle();
    await made.gateway.commit([update("operation_step", { id: "s1" }, { state: "ready" })]);
    await made.clock.run(1000);
    expect(await stepsOf(made)).toEqual(["done: started"]);
  });

  it("is woken at once", async () => {
    const made = await rig([{ state: "pending" }]);
    await made.clock.settle();
    await made.gateway.commit([update("operation_step", { id: "s1" }, { state: "ready" })]);
    made.runner.tell({ type: "Wake" });
    await made.clock.settle();
    expect(await stepsOf(made)).toEqual(["done: started"]);
  });

  it("performs many at the same time", async () => {
    const made = await rig(
      Array.from({ length: 250 }, () => ({})),
      () => new Promise(() => undefined),
    );
    await made.clock.settle();
    expect(made.brought).toHaveLength(250);
  });

  it("performs a step once, however often it looks while it does", async () => {
    const made: Rig = await rig([{}], () => new Promise((resolve) => made.clock.after(4500, () => resolve(ok))));
    for (let second = 0; second < 6; second += 1) {
      made.runner.tell({ type: "Wake" });
      await made.clock.run(1000);
    }
    expect(made.brought).toHaveLength(1);
    expect(await stepsOf(made)).toEqual(["done: started"]);
  });

  it("records why a step failed, whether refused, defective or late", async () => {
    const made = await rig([{}, {}, {}], ({ instance }) => {
      if (instance === 1) return Promise.reject(new CastellanError("START_FAILED", "exit code 3"));
      if (instance === 2) throw new TypeError("x is not a function");
      return new Promise(() => undefined);
    });
    await made.clock.run(6000);
    expect(await stepsOf(made)).toEqual([
      "failed: START_FAILED: exit code 3",
      "failed: x is not a function",
      "failed: STEP_TIMED_OUT: not there after 5000 ms; it may still get there",
    ]);
  });

  it("leaves a step alone that moved on between its look and its claim, and takes the others", async () => {
    const made = await rig([{}, {}, {}]);
    made.flaky.before = () => made.gateway.commit([update("operation_step", { id: "s2" }, { state: "skipped" })]);
    await made.clock.run(1500);
    expect(made.brought.map(({ launchId }) => launchId)).toEqual(["l1", "l3"]);
  });

  it("claims under the new epoch what a take-over marked in between", async () => {
    const made = await rig([{}]);
    made.flaky.before = () => takeOver(made.gateway, { serverId: made.hades, nonce: "m2", now: made.clock.now() });
    await made.clock.settle();
    expect(made.brought).toEqual([]);
    await made.clock.run(1000);
    expect(made.brought).toHaveLength(1);
    expect((await made.gateway.find("operation_step"))[0]).toMatchObject({ state: "done", epoch: 2 });
  });

  it("performs again, under the same launch id, what an earlier incarnation claimed", async () => {
    const made = await rig([{ state: "claimed", claimed_by: 0 }]);
    await made.clock.settle();
    expect(made.brought).toMatchObject([{ launchId: "l1" }]);
    expect((await made.gateway.find("operation_step"))[0]).toMatchObject({ state: "done", claimed_by: 1 });
  });

  it("ends once a later worker of its server has started, and performs nothing", async () => {
    const made = await rig([{}]);
    made.flaky.before = () =>
      takeIncarnation(made.gateway, { serverId: made.hades, nonce: "j", program: "0.2.0", now: made.clock.now() });
    await made.clock.run(5000);
    expect(made.brought).toEqual([]);
    expect(made.superseded).toBe(1);
    expect(await stepsOf(made)).toEqual(["ready"]);
  });

  it("performs a step once though the confirmation of its claim was lost", async () => {
    const made = await rig([{}]);
    made.flaky.fates.push("kept");
    await made.clock.run(3000);
    expect(made.brought).toHaveLength(1);
    expect(await stepsOf(made)).toEqual(["done: started"]);
  });

  it("keeps a result until it is recorded, and performs nothing twice for it", async () => {
    const made = await rig([{}]);
    made.flaky.fates.push("ok", "down", "lost", "kept");
    await made.clock.run(6000);
    expect(made.brought).toHaveLength(1);
    expect(await stepsOf(made)).toEqual(["done: started"]);
  });

  it("does not perform on a claim that took too long to be confirmed before it has looked again", async () => {
    const made = await rig([{}]);
    made.flaky.after = async () => {
      // Frozen before the answer, while a shutdown supersedes the step.
      made.clock.advance(3000);
      await made.gateway.commit([update("operation_step", { id: "s1" }, { state: "skipped" })]);
    };
    await made.clock.run(3000);
    expect(made.flaky.after).toBeNull();
    expect(made.brought).toEqual([]);
  });

  it("does not overwrite the end of a step that was superseded while it was performed", async () => {
    const made: Rig = await rig([{}], () => new Promise((resolve) => made.clock.after(500, () => resolve(ok))));
    await made.clock.settle();
    await made.gateway.commit([
      update("operation_step", { id: "s1" }, { state: "skipped", result_text: "superseded" }),
    ]);
    await made.clock.run(3000);
    expect(await stepsOf(made)).toEqual(["skipped: superseded"]);
    expect(made.finished).toEqual([]);
  });
});
