/** What `onRestart` of an edge asks for, as plans. */
import { ProcessType } from "@castellan/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { followersOf, lossSteps, releaseSteps, restartSteps } from "../../src/operation/followers.ts";
import type { PlannedInstance, PlannerView, PlanStep } from "../../src/operation/plan.ts";
import { must } from "./views.ts";

type Policy = "none" | "restart" | "stop" | "wait";

/** `{ B: { A: "restart" } }`: B depends on A. One instance of each unless counted. Everything runs unless said. */
function viewOf(
  edges: Record<string, Record<string, Policy>>,
  said: Record<string, Partial<PlannedInstance>> = {},
  counts: Record<string, number> = {},
): PlannerView {
  const names = [...new Set([...Object.keys(edges), ...Object.values(edges).flatMap((on) => Object.keys(on))])].sort();
  const type = (name: string): ProcessType =>
    ProcessType.parse({
      command: ["true"],
      dependsOn: Object.entries(edges[name] ?? {}).map(([on, onRestart]) => ({ type: on, onRestart })),
    });
  return {
    masterId: 1,
    servers: [{ id: 1, name: "hades", state: "up" }],
    types: new Map(names.map((name) => [name, type(name)])),
    problems: [],
    instances: names.flatMap((name) =>
      Array.from({ length: counts[name] ?? 1 }, (_, at): PlannedInstance => {
        const base = { serverId: 1, server: "hades", type: name, instance: at + 1 };
        const state = { enabled: true, persistent: true, status: "RUNNING", held: false } as const;
        return { ...base, ...state, ...said[`${name} ${at + 1}`], ...said[name] };
      }),
    ),
  };
}

const instanceOf = (view: PlannerView, name: string): PlannedInstance =>
  must(view.instances.find(({ type }) => type === name));
/** `RESTARTED B 1 after 1-1`. */
const said = (steps: readonly PlanStep[]): string[] =>
  steps.map(({ desired, type, instance, dependsOn }) => {
    const after = dependsOn.map(([first, last]) => `${first}-${last}`).join(",");
    return `${desired} ${type} ${instance}${after === "" ? "" : ` after ${after}`}`;
  });
const lossOf = (view: PlannerView, name: string): string[] => said(lossSteps(instanceOf(view, name), view));

describe("the death of a process", () => {
  it("concerns nobody whose edge says none", () => {
    expect(lossOf(viewOf({ B: { A: "none" } }), "A")).toEqual([]);
  });

  it("restarts, once it is ready again, those whose edge says so, one of a type after the other", () => {
    const view = viewOf({ B: { A: "restart" } }, {}, { B: 2 });
    expect(lossOf(view, "A")).toEqual(["RUNNING A 1", "RESTARTED B 1 after 1-1", "RESTARTED B 2 after 1-1,2-2"]);
  });

  it("stops at once those whose edge says stop, and holds those that wait, the far ones first", () => {
    expect(lossOf(viewOf({ B: { A: "stop" }, C: { B: "stop" } }), "A")).toEqual([
      "STOPPED C 1",
      "STOPPED B 1 after 1-1",
    ]);
    expect(lossOf(viewOf({ B: { A: "wait" }, C: { B: "wait" } }), "A")).toEqual(["HELD C 1", "HELD B 1 after 1-1"]);
  });

  it("goes on through the graph; what is held is not restarted after", () => {
    expect(lossOf(viewOf({ B: { A: "restart" }, C: { B: "restart" } }), "A")).toEqual([
      "RUNNING A 1",
      "RESTARTED B 1 after 1-1",
      "RESTARTED C 1 after 1-1,2-2",
    ]);
    expect(lossOf(viewOf({ B: { A: "wait" }, C: { B: "restart" } }), "A")).toEqual(["HELD B 1"]);
  });

  it("of several edges lets the strongest hold", () => {
    const view = viewOf({ B: { A: "restart" }, C: { A: "restart", B: "stop" } });
    expect(lossOf(view, "A")).toEqual(["STOPPED C 1", "RUNNING A 1", "RESTARTED B 1 after 2-2"]);
  });

  it("touches nobody who is down, and starts nothing that was stopped by order since", () => {
    expect(lossOf(viewOf({ B: { A: "restart" } }, { B: { status: "STOPPED" } }), "A")).toEqual([]);
    expect(lossOf(viewOf({ B: { A: "restart" }, C: { A: "stop" } }, { A: { status: "STOPPED" } }), "A")).toEqual([
      "STOPPED C 1",
    ]);
  });

  it("of a temporary or a disabled one concerns nobody", () => {
    expect(lossOf(viewOf({ B: { A: "stop" } }, { A: { persistent: false } }), "A")).toEqual([]);
    expect(lossOf(viewOf({ B: { A: "stop" } }, { A: { enabled: false } }), "A")).toEqual([]);
  });

  it("that made it SUSPENDED is on record as a plan that fails, so that nobody believes all is well", () => {
    const view = viewOf({ B: { A: "restart" } }, { A: { status: "SUSPENDED" } });
    expect(lossOf(view, "A")).toEqual(["RUNNING A 1", "RESTARTED B 1 after 1-1"]);
  });
});

describe("a RESTART by order", () => {
  it("goes on without a server that is missing: nobody waits for what is there", () => {
    const there = { serverId: 2, server: "zeus" };
    const elsewhere = { serverId: 3, server: "hera" };
    const drawn = viewOf(
      { B: { A: "restart" }, D: { A: "stop" } },
      { "A 1": there, "A 2": elsewhere, "A 3": elsewhere, "B 1": there, D: there },
      { A: 3, B: 2 },
    );
    const servers = [...drawn.servers, { id: 2, name: "zeus", state: "down" as const }];
    const view = { ...drawn, servers: [...servers, { id: 3, name: "hera", state: "up" as const }] };
    const named = view.instances.filter(({ type }) => type === "A");
    expect(said(restartSteps(named, view))).toEqual([
      "RESTARTED A 1",
      "RESTARTED A 2",
      "RESTARTED A 3 after 2-2",
      "RESTARTED B 2 after 1-3",
    ]);
  });

  it("draws in who depends on it: stop before, restart and wait after", () => {
    const view = viewOf({ B: { A: "restart" }, C: { A: "wait" }, D: { A: "stop" }, E: { A: "none" } });
    expect(said(restartSteps([instanceOf(view, "A")], view))).toEqual([
      "STOPPED D 1",
      "RESTARTED A 1 after 1-1",
      "RESTARTED B 1 after 1-1,2-2",
      "RESTARTED C 1 after 1-1,2-2",
    ]);
  });

  it("takes the running instances of a type one after the other, those that are down at once", () => {
    const view = viewOf({ A: {} }, { "A 2": { status: "SUSPENDED" } }, { A: 3 });
    expect(said(restartSteps(view.instances, view))).toEqual([
      "RESTARTED A 1",
      "RESTARTED A 2",
      "RESTARTED A 3 after 1-1",
    ]);
  });
});

describe("what is held", () => {
  const held = { status: "STARTING", held: true } as const;

  it("is started when all it needs is ready, together with what it waits for if that is held too", () => {
    const edges = { B: { A: "wait" }, C: { B: "wait", A: "none" }, D: { C: "restart" } } as const;
    expect(releaseSteps(viewOf(edges, { B: held, C: held, A: { status: "STARTING" } }), [])).toEqual([]);
    expect(said(releaseSteps(viewOf(edges, { B: held, C: held }), []))).toEqual([
      "RUNNING B 1",
      "RUNNING C 1 after 1-1",
      "RESTARTED D 1 after 1-2",
    ]);
  });

  it("is left alone while an operation has it in hand", () => {
    const view = viewOf({ B: { A: "wait" } }, { B: held });
    const step = { id: "s", seq: 1, serverId: 1, server: "hades", type: "B", instance: 1 };
    const rest = { desired: "STOPPED", state: "claimed", dependsOn: [], result: null } as const;
    const open = {
      id: "o",
      verb: "shutdown",
      target: {},
      by: "ann",
      move: null,
      steps: [{ ...step, ...rest }],
    } as const;
    expect(releaseSteps(view, [open])).toEqual([]);
  });
});

describe("any graph", () => {
  const NAMES = ["A", "B", "C", "D", "E", "F"];
  const graph = fc
    .array(
      fc.array(fc.tuple(fc.nat(5), fc.constantFrom<Policy>("none", "restart", "stop", "wait")), { maxLength: 3 }),
      {
        minLength: NAMES.length,
        maxLength: NAMES.length,
      },
    )
    .map((rows) =>
      Object.fromEntries(
        NAMES.map((name, at) => [
          name,
          Object.fromEntries(
            must(rows[at])
              .filter(([to]) => to < at)
              .map(([to, policy]) => [must(NAMES[to]), policy]),
          ),
        ]),
      ),
    );

  it("never touches who cannot be reached by edges that say something, nor anybody twice", () => {
    fc.assert(
      fc.property(graph, fc.constantFrom(...NAMES), (edges, name) => {
        const view = viewOf(edges);
        const reach = new Set([name]);
        for (const type of NAMES) {
          const on = Object.entries(edges[type] ?? {});
          if (on.some(([to, policy]) => policy !== "none" && reach.has(to))) reach.add(type);
        }
        for (const steps of [lossSteps(instanceOf(view, name), view), restartSteps([instanceOf(view, name)], view)]) {
          const types = steps.map(({ type }) => type);
          expect(new Set(types).size).toBe(types.length);
          expect(types.filter((type) => !reach.has(type))).toEqual([]);
          for (const { seq, dependsOn } of steps) for (const [, last] of dependsOn) expect(last).toBeLessThan(seq);
          expect(steps.map(({ seq }) => seq)).toEqual(steps.map((_, at) => at + 1));
        }
        expect(followersOf([name], view.types, false).has(name)).toBe(false);
      }),
    );
  });
});
