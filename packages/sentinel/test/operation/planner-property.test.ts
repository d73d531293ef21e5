import { findCycle, type ProcessStatus } from "@castellan/protocol";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PlannerView, PlanStep } from "../../src/operation/plan.ts";
import { plan } from "../../src/operation/planner.ts";
import { startOrder } from "../../src/operation/type-graph.ts";
import { must, nodeView, typeOf } from "./views.ts";

const NAMES = ["A", "B", "C", "D", "E", "F", "G", "H"];

/** Edges from later to earlier names only: no cycle. */
const acyclic = fc
  .array(fc.array(fc.nat(7), { maxLength: 3 }), { minLength: NAMES.length, maxLength: NAMES.length })
  .map((edges) =>
    NAMES.map(
      (name, at) =>
        [
          name,
          must(edges[at])
            .filter((to) => to < at)
            .map((to) => must(NAMES[to])),
        ] as const,
    ),
  );
const counts = fc.array(fc.nat(3), { minLength: NAMES.length, maxLength: NAMES.length });

/** Instances by type, as a server of a sketch has them. */
const server = (numbers: number[]) => Object.fromEntries(NAMES.map((name, at) => [name, must(numbers[at])]));

const views = fc
  .tuple(acyclic, counts, counts, counts, fc.array(fc.nat(60), { maxLength: 6 }))
  .map(([edges, one, two, three, off]) => {
    const sketch = {
      types: Object.fromEntries(edges.map(([name, dependsOn]) => [name, { dependsOn }])),
      servers: { hades: server(one), zeus: server(two), hera: server(three) },
    };
    const all = nodeView(sketch).instances.map(({ type, instance, server: name }) => `${type} ${instance}@${name}`);
    return nodeView({ ...sketch, disabled: off.flatMap((at) => all[at] ?? []) });
  });

function stepsOf(verb: "start" | "shutdown", view: PlannerView): readonly PlanStep[] {
  const planned = plan({ verb, target: {} }, view);
  if (planned.kind === "refused") throw planned.refusal;
  return planned.steps;
}

/** All seqs that must be done before a step, near or far: by brute force. */
function before(steps: readonly PlanStep[]): Map<number, Set<number>> {
  const all = new Map<number, Set<number>>();
  for (const { seq, dependsOn } of steps) {
    const set = new Set<number>();
    for (const [first, last] of dependsOn) {
      for (let at = first; at <= last; at += 1) {
        set.add(at);
        for (const far of all.get(at) ?? []) set.add(far);
      }
    }
    all.set(seq, set);
  }
  return all;
}

/** Everything a type needs, near or far: by brute force. */
function needs(type: string, view: PlannerView): Set<string> {
  const found = new Set<string>();
  const walk = (name: string): void => {
    for (const edge of view.types.get(name)?.dependsOn ?? []) {
      if (!found.has(edge.type)) {
        found.add(edge.type);
        walk(edge.type);
      }
    }
  };
  walk(type);
  return found;
}

const key = ({ serverId, type, instance }: Pick<PlanStep, "serverId" | "type" | "instance">): string =>
  `${serverId}/${type}/${instance}`;

describe("any acyclic node", () => {
  it("gives every enabled instance exactly one step", () => {
    fc.assert(
      fc.property(views, fc.constantFrom("start", "shutdown"), (view, verb) => {
        const wanted = view.instances.filter(({ enabled }) => enabled).map(key);
        expect(stepsOf(verb, view).map(key).sort()).toEqual(wanted.sort());
      }),
    );
  });

  it("puts a start after exactly everything it needs, near or far, and a stop the other way round", () => {
    fc.assert(
      fc.property(views, (view) => {
        const start = stepsOf("start", view);
        const stop = stepsOf("shutdown", view);
        const [beforeStart, beforeStop] = [before(start), before(stop)];
        const stopSeq = new Map(stop.map((step) => [key(step), step.seq]));
        const wrong: string[] = [];
        for (const one of start) {
          const needed = needs(one.type, view);
          const earlier = must(beforeStart.get(one.seq));
          for (const other of start) {
            const later = must(beforeStop.get(must(stopSeq.get(key(other)))));
            const isNeeded = needed.has(other.type);
            if (earlier.has(other.seq) !== isNeeded) wrong.push(`start: ${key(one)} and ${key(other)}`);
            if (later.has(must(stopSeq.get(key(one)))) !== isNeeded) wrong.push(`stop: ${key(one)} and ${key(other)}`);
          }
          if ([...earlier].some((seq) => seq >= one.seq)) wrong.push(`${key(one)} depends on a later one`);
        }
        expect(wrong).toEqual([]);
        expect(stop.map(key)).toEqual(start.map(key).reverse());
      }),
    );
  });
});

describe("a part of any acyclic node", () => {
  /** Every step and what it names is there, or the request is refused with a reason that names something. */
  it("of one server is planned whole, or refused by the name of what it lacks elsewhere", () => {
    const statuses = fc.array(fc.constantFrom<ProcessStatus>("RUNNING", "STOPPED"), { minLength: 1 });
    fc.assert(
      fc.property(views, statuses, fc.constantFrom("start", "shutdown"), (drawn, status, verb) => {
        const instances = drawn.instances.map((one, at) => ({ ...one, status: must(status[at % status.length]) }));
        const view = { ...drawn, instances };
        const planned = plan({ verb, target: { server: "zeus" } }, view);
        const outside = instances.filter(({ server: name, enabled }) => name !== "zeus" && enabled);
        if (planned.kind === "refused") {
          const elsewhere = instances.filter(({ server: name }) => name !== "zeus");
          const label = elsewhere.map(({ type, instance, server: name }) => `${type} ${instance} on ${name}`);
          expect(label.some((name) => planned.refusal.message.includes(name))).toBe(true);
          return;
        }
        const here = instances.filter((one) => one.server === "zeus");
        const wanted = here.filter((one) => one.enabled || (verb === "shutdown" && one.status === "RUNNING"));
        expect(planned.steps.map(key).sort()).toEqual(wanted.map(key).sort());
        for (const one of here) {
          if (verb === "start" && one.enabled && one.status === "STOPPED") {
            // What that needs in turn is the business of those that run.
            const needed = new Set(must(view.types.get(one.type)).dependsOn.map((edge) => String(edge.type)));
            const lacking = outside.filter((other) => needed.has(other.type) && other.status !== "RUNNING");
            expect(lacking.map(key)).toEqual([]);
          }
        }
      }),
    );
  });

  it("of a server that is missing is refused, and the node goes on without it", () => {
    fc.assert(
      fc.property(views, fc.constantFrom("start", "shutdown", "restart"), (drawn, verb) => {
        const servers = drawn.servers.map((one) => (one.name === "zeus" ? { ...one, state: "down" as const } : one));
        const view = { ...drawn, servers };
        const alone = plan({ verb, target: { server: "zeus" } }, view);
        const hasSteps = view.instances.some((one) => one.server === "zeus" && one.enabled);
        if (hasSteps) expect(alone.kind === "refused" && alone.refusal.code).toBe("SERVER_DOWN");
        expect(plan({ verb, target: {} }, view).kind).toBe("plan");
      }),
    );
  });
});

describe("any graph of types", () => {
  it("with a cycle among what is to be started or stopped is refused, with the cycle", () => {
    const edges = fc.array(fc.nat(7), { minLength: NAMES.length, maxLength: NAMES.length });
    fc.assert(
      fc.property(edges, counts, counts, fc.constantFrom("start", "shutdown", "restart"), (to, one, two, verb) => {
        const types = Object.fromEntries(NAMES.map((name, at) => [name, { dependsOn: [must(NAMES[must(to[at])])] }]));
        const sketch = { types: {}, servers: { hades: server(one), zeus: server(two) } };
        const view = {
          ...nodeView(sketch),
          types: new Map(Object.entries(types).map(([name, traits]) => [name, typeOf(traits)])),
        };
        const planned = plan({ verb, target: {} }, view);
        // Everybody needs somebody: wherever one goes, there is a cycle.
        if (view.instances.length === 0) expect(planned).toMatchObject({ kind: "plan", steps: [] });
        else expect(planned.kind === "refused" && planned.refusal.code).toBe("CYCLE");
      }),
    );
  });

  const graphs = fc
    .array(fc.array(fc.nat(7), { maxLength: 2 }), { minLength: NAMES.length, maxLength: NAMES.length })
    .map(
      (edges) =>
        new Map(NAMES.map((name, at) => [name, typeOf({ dependsOn: must(edges[at]).map((to) => must(NAMES[to])) })])),
    );

  it("has an order or a cycle that is one, never both", () => {
    fc.assert(
      fc.property(graphs, (types) => {
        const cycle = findCycle(types);
        const view = { ...nodeView({ types: {}, servers: {} }), types };
        const hasCycle = NAMES.some((name) => needs(name, view).has(name));
        expect(cycle !== null).toBe(hasCycle);
        if (cycle === null) {
          const order = startOrder(types);
          expect([...order].sort()).toEqual(NAMES);
          for (const [name, { dependsOn }] of types) {
            for (const edge of dependsOn) expect(order.indexOf(edge.type)).toBeLessThan(order.indexOf(name));
          }
          return;
        }
        expect(cycle[0]).toBe(cycle.at(-1));
        expect(cycle.length).toBeGreaterThan(1);
        expect(new Set(cycle).size).toBe(cycle.length - 1);
        for (let at = 0; at + 1 < cycle.length; at += 1) {
          expect(must(types.get(must(cycle[at]))).dependsOn.map((edge) => edge.type)).toContain(cycle[at + 1]);
        }
        expect(() => startOrder(types)).toThrow(cycle.join(" -> "));
      }),
    );
  });
});

describe("a large node", () => {
  it("keeps the plan of 1,000 instances small: edges by type, not by pair", () => {
    const names = Array.from({ length: 10 }, (_, at) => `T${at}`);
    const types = Object.fromEntries(
      names.map((name, at) => [name, { dependsOn: names.slice(Math.max(0, at - 2), at) }]),
    );
    const servers = Object.fromEntries(
      Array.from({ length: 20 }, (_, at) => [`s${at}`, Object.fromEntries(names.map((name) => [name, 5]))]),
    );
    const steps = stepsOf("start", nodeView({ types, servers }));
    expect(steps).toHaveLength(1000);
    expect(JSON.stringify(steps.map(({ dependsOn }) => dependsOn)).length).toBeLessThan(40_000);
  });
});
