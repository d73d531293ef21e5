import type { DesiredState } from "@castellan/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decide } from "../../src/process/keeper-decide.ts";
import {
  initialState,
  type KeeperEvent,
  type KeeperState,
  type Phase,
  statusOf,
} from "../../src/process/keeper-state.ts";
import { KeeperModel, type LaunchFate, policy, processNo } from "./keeper-world.ts";

function running(): KeeperModel {
  const world = new KeeperModel();
  world.order("RUNNING", "order-1");
  world.ready(true);
  expect(statusOf(world.state)).toBe("RUNNING");
  return world;
}

describe("orders", () => {
  test("start answers when it is ready, not before", () => {
    const world = new KeeperModel();
    const asker = world.order("RUNNING", "order-1");
    expect(world.answers.has(asker)).toBe(false);
    world.ready(true);
    expect(world.answers.get(asker)).toBe("RUNNING: started");
  });

  test("starting what runs and stopping what is stopped succeed and say so", () => {
    const world = new KeeperModel();
    const stop = world.order("STOPPED", "x");
    expect(world.answers.get(stop)).toBe("STOPPED: already stopped");
    world.order("RUNNING", "order-1");
    world.ready(true);
    const start = world.order("RUNNING", "order-2");
    expect(world.answers.get(start)).toBe("RUNNING: already running");
    expect(world.launches).toBe(1);
  });

  test("a stop supersedes a start that waits, and the other way round", () => {
    const world = new KeeperModel();
    const start = world.order("RUNNING", "order-1");
    world.ignoresStop = true;
    const stop = world.order("STOPPED", "order-2");
    expect(world.answers.get(start)).toBe("SUPERSEDED");
    const again = world.order("RUNNING", "order-3");
    expect(world.answers.get(stop)).toBe("SUPERSEDED");
    world.die();
    world.ready(true);
    expect(world.answers.get(again)).toBe("RUNNING: started");
    expect(world.launches).toBe(2);
  });

  test("restart stops and starts a running one, and the same order again does nothing more", () => {
    const world = running();
    const restart = world.order("RESTARTED", "order-2");
    world.ready(true);
    expect(world.answers.get(restart)).toBe("RUNNING: started");
    expect(world.launches).toBe(2);
    const again = world.order("RESTARTED", "order-2");
    expect(world.answers.get(again)).toBe("RUNNING: already running");
    expect(world.launches).toBe(2);
  });

  test("what cannot pause is refused by name; what is paused can be stopped", () => {
    const world = running();
    expect(world.answers.get(world.order("PAUSED", "x", false))).toBe("NOT_PAUSABLE");
    expect(world.answers.get(world.order("PAUSED", "x"))).toBe("PAUSED: paused");
    expect(world.answers.get(world.order("PAUSED", "x"))).toBe("PAUSED: already paused");
    expect(world.answers.get(world.order("STOPPED", "x"))).toBe("STOPPED: stopped");
    expect(world.answers.get(world.order("PAUSED", "x"))).toBe("NOT_RUNNING");
  });

  test("a pause of what is about to run is carried out once it is ready, unless a later order lets it run", () => {
    const world = new KeeperModel();
    const start = world.order("RUNNING", "order-1");
    const pause = world.order("PAUSED", "x");
    expect(world.answers.has(pause)).toBe(false);
    world.ready(true);
    expect(world.answers.get(start)).toBe("RUNNING: started");
    expect(world.answers.get(pause)).toBe("PAUSED: paused");

    const other = new KeeperModel();
    other.order("RUNNING", "order-1");
    const taken = other.order("PAUSED", "x");
    expect(other.answers.get(other.order("UNPAUSED", "x"))).toBe("STARTING: will not be paused");
    other.ready(true);
    expect(statusOf(other.state)).toBe("RUNNING");
    expect(other.answers.get(taken)).toBe("SUPERSEDED");
  });

  test("a restart of what is not ready yet, or waits for its next attempt, begins anew; the first asker gets its answer", () => {
    const world = new KeeperModel();
    const start = world.order("RUNNING", "order-1");
    const restart = world.order("RESTARTED", "order-2");
    expect(world.launches).toBe(2);
    world.ready(true);
    expect(world.answers.get(start)).toBe("RUNNING: started");
    expect(world.answers.get(restart)).toBe("RUNNING: started");

    const failing = running();
    failing.die();
    failing.die();
    expect(failing.state.phase.at).toBe("backing-off");
    failing.order("RESTARTED", "order-2");
    expect(failing.launches).toBe(3);
    expect(failing.state.restarts).toBe(0);
  });
});

describe("what is held", () => {
  test("is stopped, says STARTING, and runs when it is told to; also after the worker was killed anywhere", () => {
    const world = running();
    const hold = world.order("HELD", "x");
    expect(world.answers.get(hold)).toMatch(/^STARTING/);
    expect(world.live).toBeNull();
    expect(world.state.comment).toMatch(/depends on/);
    world.crash();
    expect(world.state.phase.at).toBe("held");
    world.order("RUNNING", "order-2");
    world.ready(true);
    expect(statusOf(world.state)).toBe("RUNNING");

    world.ignoresStop = true;
    world.order("HELD", "y");
    world.crash();
    expect(statusOf(world.state)).toBe("SHUTTING DOWN");
    world.die();
    expect(world.state.phase.at).toBe("held");
    expect(world.answers.get(world.order("STOPPED", "z"))).toBe("STOPPED: stopped");
  });

  test("is never what was stopped by order or given up", () => {
    const stopped = new KeeperModel();
    expect(stopped.answers.get(stopped.order("HELD", "x"))).toMatch(/^STOPPED: not running/);
    expect(stopped.state.phase.at).toBe("stopped");
    const suspended = new KeeperModel();
    suspended.nextLaunch = "permanent";
    suspended.order("RUNNING", "order-1");
    expect(suspended.answers.get(suspended.order("HELD", "x"))).toMatch(/^SUSPENDED/);
    expect(statusOf(suspended.state)).toBe("SUSPENDED");
  });
});

describe("what may not run here for now", () => {
  test("is stopped and held, whatever it was doing, until it is told to run; what was stopped or given up stays so", () => {
    const world = running();
    const restart = world.order("RESTARTED", "order-2");
    world.happen({ type: "ungranted" });
    expect(world.answers.get(restart)).toBe("SUPERSEDED");
    expect([world.state.phase.at, world.state.wish, world.live]).toEqual(["held", "HELD", null]);
    world.order("RUNNING", "order-3");
    world.ready(true);
    expect(statusOf(world.state)).toBe("RUNNING");
    world.order("STOPPED", "x");
    world.happen({ type: "ungranted" });
    expect([world.state.phase.at, world.state.wish]).toEqual(["stopped", "STOPPED"]);
  });

  test("is held when its start is not granted: nothing was tried, nothing is tried again, no attempt is counted", () => {
    const world = new KeeperModel();
    world.nextLaunch = "not-granted";
    expect(world.answers.get(world.order("RUNNING", "order-1"))).toBe("NOT_GRANTED");
    expect(world.state).toMatchObject({ phase: { at: "held" }, window: [], restarts: 0 });
    world.fire("backoff");
    expect(world.state.phase.at).toBe("held");
    expect(world.alerts).toEqual([]);

    const other = running();
    other.nextLaunch = "not-granted";
    other.die();
    expect([other.state.phase.at, statusOf(other.state)]).toEqual(["held", "STARTING"]);
  });
});

describe("deaths", () => {
  test("the first replacement is launched in the same turn, before anything is written", () => {
    const world = running();
    world.log.length = 0;
    world.die();
    expect(world.launches).toBe(2);
    expect(world.log.indexOf("launch")).toBeGreaterThanOrEqual(0);
    expect(world.log.slice(0, world.log.indexOf("launch"))).not.toContain("save");
  });

  test("too many suspend, tell one alert, refuse START and are revived by RESTART", () => {
    const world = running();
    for (let death = 0; death < 4; death += 1) {
      world.die();
      world.fire("backoff");
    }
    expect(statusOf(world.state)).toBe("SUSPENDED");
    expect(world.alerts.map(({ phase }) => phase)).toEqual(["raise"]);
    world.alertTold();
    expect(world.answers.get(world.order("RUNNING", "order-2"))).toBe("SUSPENDED");
    const revived = world.order("RESTARTED", "order-3");
    world.ready(true);
    expect(world.answers.get(revived)).toBe("RUNNING: started");
    expect(world.alerts).toMatchObject([{ phase: "resolve", cause: "order-1" }]);
    world.alertTold();
    expect(world.state.alert).toBeNull();
  });

  test("a start that only ends in suspension is refused START_FAILED", () => {
    const world = new KeeperModel();
    const start = world.order("RUNNING", "order-1");
    for (let death = 0; death < 4; death += 1) {
      world.die();
      world.fire("backoff");
    }
    expect(world.answers.get(start)).toBe("START_FAILED");
  });

  test("a program that is not there suspends at once; a disk that refuses the intent never does", () => {
    const world = new KeeperModel();
    world.nextLaunch = "permanent";
    expect(world.answers.get(world.order("RUNNING", "order-1"))).toBe("START_FAILED");
    expect(statusOf(world.state)).toBe("SUSPENDED");

    const full = new KeeperModel();
    full.nextLaunch = "unrecorded";
    expect(full.answers.get(full.order("RUNNING", "order-1"))).toBe("START_FAILED");
    for (let attempt = 0; attempt < 20; attempt += 1) full.fire("backoff");
    expect(statusOf(full.state)).toBe("STARTING");
    full.nextLaunch = "runs";
    full.fire("backoff");
    full.ready(true);
    expect(statusOf(full.state)).toBe("RUNNING");
  });

  test("leftovers of the dead are killed before the replacement is launched", () => {
    const world = running();
    world.leavesLeftovers = true;
    world.die(); // the model refuses a launch beside leftovers
    expect(world.launches).toBe(2);
  });

  test("what died while paused is paused again once its replacement is ready", () => {
    const world = running();
    world.order("PAUSED", "x");
    world.die();
    world.ready(true);
    expect(statusOf(world.state)).toBe("PAUSED");
  });

  test("one that ignores the signal is killed after its grace", () => {
    const world = running();
    world.ignoresStop = true;
    const stop = world.order("STOPPED", "x");
    expect(statusOf(world.state)).toBe("SHUTTING DOWN");
    world.fire("grace");
    expect(world.answers.get(stop)).toBe("STOPPED: killed: it did not end within its grace");
  });
});

describe("after the worker was killed", () => {
  test("what runs is adopted, and a restart under way goes on", () => {
    const world = running();
    world.crash();
    expect(statusOf(world.state)).toBe("RUNNING");
    expect(world.launches).toBe(1);

    world.ignoresStop = true;
    world.order("RESTARTED", "order-2");
    world.crash();
    expect(statusOf(world.state)).toBe("SHUTTING DOWN");
    world.die();
    expect(world.launches).toBe(2);
    world.ready(true);
    expect(statusOf(world.state)).toBe("RUNNING");
  });

  test("what was spawned and not recorded is adopted", () => {
    const world = new KeeperModel();
    world.order("RUNNING", "order-1");
    expect(world.disk?.phase).toBe("launched");
    if (world.disk !== null) world.disk = { ...world.disk, phase: "intent", identity: null };
    world.crash();
    world.ready(true);
    expect(statusOf(world.state)).toBe("RUNNING");
    expect(world.launches).toBe(1);
  });

  test("an intent that never spawned is not started by itself", () => {
    const world = new KeeperModel();
    world.order("RUNNING", "order-1");
    if (world.disk !== null) world.disk = { ...world.disk, phase: "intent", identity: null };
    world.live = null;
    world.crash();
    expect(statusOf(world.state)).toBe("STOPPED");
    expect(world.launches).toBe(1);
  });

  test("suspended stays suspended, and its alert is told again only if it may not have been", () => {
    const world = running();
    for (let death = 0; death < 4; death += 1) {
      world.die();
      world.fire("backoff");
    }
    world.alerts = [];
    world.crash();
    expect(statusOf(world.state)).toBe("SUSPENDED");
    expect(world.alerts).toMatchObject([{ phase: "raise", cause: "order-1" }]);
    world.alertTold();
    world.crash();
    expect(world.alerts).toEqual([]);
  });
});

const orders = fc.record({
  do: fc.constant("order" as const),
  desired: fc.constantFrom<DesiredState>("RUNNING", "STOPPED", "RESTARTED", "PAUSED", "UNPAUSED", "HELD"),
  launchId: fc.constantFrom("a", "b", "c", "d"),
});
const steps = fc.oneof(
  { weight: 3, arbitrary: orders },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constantFrom("die", "ready", "not-ready", "grace", "kill", "backoff", "told") }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("crash", "leftovers", "ignore", "obey", "ungrant") }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("fate" as const),
      fate: fc.constantFrom<LaunchFate>("runs", "runs", "runs", "permanent", "transient", "unrecorded", "not-granted"),
    }),
  },
);

function take(
  world: KeeperModel,
  step: { do: string; desired?: DesiredState; launchId?: string; fate?: LaunchFate },
): void {
  world.nowMs += 10;
  if (step.desired && step.launchId) world.order(step.desired, step.launchId);
  else if (step.fate) world.nextLaunch = step.fate;
  else if (step.do === "die") world.die();
  else if (step.do === "ready" || step.do === "not-ready") world.ready(step.do === "ready");
  else if (step.do === "grace" || step.do === "kill" || step.do === "backoff") world.fire(step.do);
  else if (step.do === "told") world.alertTold();
  else if (step.do === "crash") world.crash();
  else if (step.do === "ungrant") world.happen({ type: "ungranted" });
  else if (step.do === "leftovers") world.leavesLeftovers = true;
  else world.ignoresStop = step.do === "ignore";
}

describe("properties", () => {
  test("never two processes, every asker answered at most once, a stop always ends, with worker crashes anywhere", () => {
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 60 }), (taken) => {
        const world = new KeeperModel();
        for (const step of taken) {
          take(world, step); // the model checks every launch and every answer
          const runs = ["waiting-ready", "running", "paused", "stopping"].includes(world.state.phase.at);
          if (runs) expect(world.live ?? world.dying, `${world.state.phase.at} without a process`).not.toBeNull();
        }
        const stop = world.order("STOPPED", "last");
        for (const key of ["grace", "kill", "kill"] as const) world.fire(key);
        expect(world.state.phase.at).toBe("stopped");
        if (world.answers.get(stop) !== "BUSY") expect(world.answers.get(stop)).toMatch(/^STOPPED/);
        expect(world.unanswered).toBe(0);
        expect(world.live).toBeNull();
        expect(world.leftovers).toBeNull();
      }),
      { numRuns: 3000 },
    );
  });

  test("total: any event in any state gives a state, and one that fits nothing gives no effect", () => {
    const process = fc.constantFrom(processNo(1), processNo(2, "b"));
    const failure = fc.constantFrom(null, { how: "exit code 1", ranMs: 5, policy });
    const phase: fc.Arbitrary<Phase> = fc.oneof(
      fc.constantFrom<Phase>(
        { at: "stopped" },
        { at: "held" },
        { at: "launching" },
        { at: "suspended" },
        { at: "backing-off", attempt: 2 },
      ),
      fc.record({
        at: fc.constantFrom("waiting-ready", "running", "paused", "stopping"),
        process,
      }) as fc.Arbitrary<Phase>,
      fc.record({ at: fc.constant("killing" as const), process, failure, isStuck: fc.boolean() }),
    );
    const state: fc.Arbitrary<KeeperState> = fc.record({
      wish: fc.constantFrom("RUNNING", "STOPPED", "PAUSED", "HELD"),
      phase,
      launchId: fc.constantFrom(null, "a", "order-1"),
      window: fc.array(fc.nat()),
      restarts: fc.nat(),
      comment: fc.string(),
      waiting: fc.array(fc.record({ id: fc.nat(), goal: fc.constantFrom("up", "paused", "down") })),
      alert: fc.constantFrom(
        null,
        { cause: "a", summary: "s", phase: "raised" },
        { cause: "a", summary: "s", phase: "raise" },
      ),
    });
    const launchId = fc.constantFrom("a", "order-1");
    const event: fc.Arbitrary<KeeperEvent> = fc.oneof(
      fc.constantFrom<KeeperEvent>(
        { type: "retire" },
        { type: "ungranted" },
        { type: "grace-elapsed" },
        { type: "kill-overdue" },
        { type: "backoff-elapsed" },
        { type: "alert-told", cause: "a", phase: "raise" },
      ),
      fc.record({
        type: fc.constant("bring" as const),
        asker: fc.nat(),
        desired: fc.constantFrom<DesiredState>("RUNNING", "STOPPED", "RESTARTED", "PAUSED", "UNPAUSED", "HELD"),
        launchId,
        isPausable: fc.boolean(),
      }),
      fc.record({ type: fc.constant("launched" as const), launchId, process }),
      fc.record({ type: fc.constantFrom("ready", "gone"), process }) as fc.Arbitrary<KeeperEvent>,
      fc.record({ type: fc.constant("not-ready" as const), process, reason: fc.string(), policy: fc.constant(policy) }),
      fc.record({
        type: fc.constant("exited" as const),
        process,
        how: fc.string(),
        lastLine: fc.constantFrom(null, "x"),
        policy: fc.constant(policy),
      }),
    );
    fc.assert(
      fc.property(state, event, (before, happened) => {
        const { state: after, effects } = decide(before, happened, 10_000);
        expect(statusOf(after)).toBeTypeOf("string");
        const launches = effects.filter((effect) => effect.kind === "launch").length;
        expect(launches).toBe(after.phase.at === "launching" && before.phase.at !== "launching" ? 1 : 0);
        const settled = effects.filter((effect) => effect.kind === "answer" || effect.kind === "refuse").length;
        const asked = happened.type === "bring" ? 1 : 0;
        expect(after.waiting.length + settled).toBe(before.waiting.length + asked);
      }),
      { numRuns: 3000 },
    );
  });

  test("an instance that was never ordered reacts to nothing but orders", () => {
    for (const event of [{ type: "grace-elapsed" }, { type: "gone", process: processNo(1) }] as const) {
      expect(decide(initialState, event, 0)).toEqual({ state: initialState, effects: [] });
    }
  });
});
