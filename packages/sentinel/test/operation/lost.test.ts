import type { DesiredState, ServerState, StepState } from "@castellan/protocol";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { closeLost, GRANT_WAIT_MS, UNTAKEN_MS, withClosings } from "../../src/operation/lost.ts";
import type { OpenOperation, OperationStep } from "../../src/operation/overlap.ts";
import { isLost, LOST_AFTER_MS, lookAt, type Sights, SUSPECT_LOST_AFTER_MS } from "../../src/operation/sights.ts";
import { nextWave } from "../../src/operation/wave.ts";
import { must, typeOf } from "./views.ts";

const TYPES = new Map([
  ["WIS", typeOf({ layer: "foreground" })],
  ["BG", typeOf({})],
]);

const stepOf = (type: string, desired: DesiredState, state: StepState, seq = 1): OperationStep => ({
  id: `s${seq}`,
  seq,
  serverId: 2,
  server: "zeus",
  type,
  instance: 1,
  desired,
  state,
  dependsOn: [],
  result: null,
});
const operation = (...steps: OperationStep[]): OpenOperation => ({
  id: "o",
  verb: "start",
  target: {},
  by: "ann",
  move: null,
  steps,
});
const sights = (state: ServerState): Sights =>
  lookAt([{ id: 2, name: "zeus", state, lastSeen: null, incarnation: 1, isMissed: false }], new Map(), 0);

/** Its latest sign in the schema is of then. */
const suspectAt = (ms: number) => [
  { id: 2, name: "zeus", state: "suspect" as const, lastSeen: new Date(ms), incarnation: 1, isMissed: false },
];

/** What becomes of one step when its server has been in `state` for so long. */
function verdict(step: OperationStep, state: ServerState, forMs: number, isOver = false): string {
  const view = {
    sights: sights(state),
    types: TYPES,
    readySince: new Map(),
    atRest: new Set<string>(),
    grantsOver: new Set(isOver ? [2] : []),
  };
  const [closing] = closeLost(operation(step), view, forMs);
  return closing?.state ?? "waits";
}

describe("a step of a server", () => {
  it("waits while its server is up, or has only just been missed", () => {
    for (const type of ["WIS", "BG"]) {
      expect(verdict(stepOf(type, "RUNNING", "ready"), "up", 1e9)).toBe("waits");
      expect(verdict(stepOf(type, "RUNNING", "ready"), "down", LOST_AFTER_MS - 1)).toBe("waits");
      expect(verdict(stepOf(type, "RUNNING", "ready"), "suspect", SUSPECT_LOST_AFTER_MS - 1)).toBe("waits");
    }
  });

  it("waits while its server writes to the schema, for as long as that is away from the bus", () => {
    const endMs = 3 * SUSPECT_LOST_AFTER_MS;
    let seen: Sights = new Map();
    for (let ms = 0; ms <= endMs; ms += 5000) seen = lookAt(suspectAt(ms), seen, ms);
    expect(isLost(seen.get(2), endMs)).toBe(false);
    // Then it is silent there as well.
    const lastMs = endMs + SUSPECT_LOST_AFTER_MS;
    seen = lookAt(suspectAt(endMs), seen, lastMs);
    expect(isLost(seen.get(2), lastMs)).toBe(true);
  });

  it.each([
    // type, wanted, state of the step, grant over: what becomes of it
    ["BG", "RUNNING", "ready", false, "failed"],
    ["BG", "RUNNING", "claimed", false, "unknown"],
    ["BG", "STOPPED", "ready", false, "unknown"],
    ["BG", "STOPPED", "claimed", false, "unknown"],
    ["WIS", "RUNNING", "ready", false, "failed"],
    ["WIS", "RESTARTED", "ready", true, "failed"],
    ["WIS", "RUNNING", "claimed", false, "waits"],
    ["WIS", "RUNNING", "claimed", true, "failed"],
    ["WIS", "HELD", "ready", false, "waits"],
    ["WIS", "HELD", "ready", true, "done"],
    ["WIS", "STOPPED", "claimed", false, "waits"],
    ["WIS", "STOPPED", "claimed", true, "done"],
  ] as const)("of %s that is to be %s, %s, grant over: %s, is %s", (type, desired, state, isOver, expected) => {
    expect(verdict(stepOf(type, desired, state), "down", LOST_AFTER_MS, isOver)).toBe(expected);
    expect(verdict(stepOf(type, desired, state), "isolated", LOST_AFTER_MS, isOver)).toBe(expected);
    expect(verdict(stepOf(type, desired, state), "suspect", SUSPECT_LOST_AFTER_MS, isOver)).toBe(expected);
  });

  it("ends within a bound, whatever it is about and wherever the server has gone", () => {
    const states = fc.constantFrom<StepState>("pending", "ready", "claimed", "done", "failed", "skipped", "unknown");
    const desires = fc.constantFrom<DesiredState>("RUNNING", "STOPPED", "RESTARTED", "PAUSED", "UNPAUSED", "HELD");
    const steps = fc.array(fc.tuple(fc.constantFrom("WIS", "BG", "GONE"), desires, states), { minLength: 1 });
    fc.assert(
      fc.property(steps, fc.constantFrom<ServerState>("down", "isolated", "suspect"), (drawn, state) => {
        let under = operation(
          ...drawn.map(([type, desired, at], index) => ({
            ...stepOf(type, desired, at, index + 1),
            dependsOn: index === 0 ? [] : ([[1, index]] as const),
          })),
        );
        const view = {
          sights: sights(state),
          types: TYPES,
          readySince: new Map(),
          atRest: new Set<string>(),
          grantsOver: new Set<number>(),
        };
        for (let round = 0; round <= drawn.length; round += 1) {
          under = withClosings(under, closeLost(under, view, GRANT_WAIT_MS));
          const { ready, skipped, ended } = nextWave(under.steps);
          if (ended !== null) return;
          const whys = new Map(skipped.map(({ seq, why }) => [seq, why]));
          const steps = under.steps.map((step): OperationStep => {
            if (ready.includes(step.seq)) return { ...step, state: "ready" };
            return whys.has(step.seq) ? { ...step, state: "skipped", result: whys.get(step.seq) ?? null } : step;
          });
          under = { ...under, steps };
        }
        expect.unreachable(`has not ended: ${JSON.stringify(under.steps)}`);
      }),
    );
  });

  it("is done when it was to stop what was at rest as its server was taken down in order", () => {
    const view = {
      sights: sights("down"),
      types: TYPES,
      readySince: new Map(),
      atRest: new Set(["2/BG/1"]),
      grantsOver: new Set<number>(),
    };
    const closed = (desired: DesiredState) => closeLost(operation(stepOf("BG", desired, "ready")), view, LOST_AFTER_MS);
    expect(closed("STOPPED")).toMatchObject([
      { state: "done", why: "SERVER_DOWN: zeus is down; it was stopped before" },
    ]);
    expect(closed("RUNNING")).toMatchObject([{ state: "failed" }]);
  });

  it("fails when its server is up and does not take it", () => {
    const view = {
      sights: sights("up"),
      types: TYPES,
      atRest: new Set<string>(),
      grantsOver: new Set<number>(),
      readySince: new Map([["s1", 0]]),
    };
    const closed = (state: StepState, nowMs: number) =>
      closeLost(operation(stepOf("WIS", "RUNNING", state)), view, nowMs);
    expect(closed("ready", UNTAKEN_MS - 1)).toEqual([]);
    expect(closed("claimed", UNTAKEN_MS)).toEqual([]);
    expect(closed("ready", UNTAKEN_MS)).toMatchObject([
      { state: "failed", why: "NOT_TAKEN: zeus has not begun it for 180 s" },
    ]);
  });

  it("of a server that is no member any more is not waited for", () => {
    expect(isLost(undefined, 0)).toBe(true);
  });
});

describe("what is left undone", () => {
  it("names the server, and so does what was not begun because of it", () => {
    const view = {
      sights: sights("down"),
      types: TYPES,
      readySince: new Map(),
      atRest: new Set<string>(),
      grantsOver: new Set<number>(),
    };
    const first = stepOf("BG", "RUNNING", "ready");
    const second: OperationStep = {
      ...stepOf("BG", "RUNNING", "pending", 2),
      instance: 2,
      serverId: 1,
      dependsOn: [[1, 1]],
    };
    const third: OperationStep = { ...second, id: "s3", seq: 3, dependsOn: [[2, 2]] };
    const under = operation(first, second, third);
    const { steps } = withClosings(under, closeLost(under, view, LOST_AFTER_MS));
    expect(must(steps[0]).result).toBe("SERVER_DOWN: zeus is down; not begun");
    expect(nextWave(steps)).toMatchObject({
      skipped: [
        { seq: 2, why: "SERVER_DOWN: not begun: BG 1 on zeus did not succeed" },
        { seq: 3, why: "SERVER_DOWN: not begun: BG 2 on zeus was not begun" },
      ],
      ended: { state: "failed" },
    });
  });

  it("is told once for all that share the reason", () => {
    const lost = [1, 2].map(
      (seq): OperationStep => ({
        ...stepOf("BG", "RUNNING", "failed", seq),
        instance: seq,
        result: "SERVER_DOWN: zeus is down; not begun",
      }),
    );
    expect(nextWave(lost).ended?.result).toBe(
      "2 of 2 not done; BG 1 on zeus, BG 2 on zeus: SERVER_DOWN: zeus is down; not begun",
    );
  });

  it("does not keep a shutdown from going on, nor lets anything start", () => {
    const unknown: OperationStep = { ...stepOf("BG", "STOPPED", "unknown"), result: "SERVER_DOWN: zeus is down" };
    const after: OperationStep = { ...stepOf("WIS", "STOPPED", "pending", 2), dependsOn: [[1, 1]] };
    expect(nextWave([unknown, after]).ready).toEqual([2]);
    expect(nextWave([unknown, { ...after, desired: "RUNNING" }]).skipped).toHaveLength(1);
  });
});
