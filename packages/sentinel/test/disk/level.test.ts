import * as fc from "fast-check";
import { expect, test } from "vitest";
import { decideLevel, initialLevel, type LevelState, type Measurement, type Thresholds } from "../../src/disk/level.ts";

const at = (minimum: number, warning = 0): Thresholds => ({ minimum, warning, configured: `${minimum}/${warning}` });
const free = (amount: number): Measurement => ({ readable: true, free: amount, total: 1000 });
const unreadable: Measurement = { readable: false, reason: "gone" };

function play(steps: readonly (readonly [Measurement, Thresholds])[]): string[] {
  let state: LevelState = initialLevel;
  return steps.map(([measurement, thresholds]) => {
    const decision = decideLevel(state, measurement, thresholds);
    state = decision.state;
    return [state.level, ...decision.changes].join(" ");
  });
}
const playAt = (thresholds: Thresholds, ...amounts: number[]): string[] =>
  play(amounts.map((amount) => [free(amount), thresholds] as const));

test("alerts on crossing, not while it lasts, and resolves with hysteresis", () => {
  expect(playAt(at(100), 101, 100, 99, 98, 99, 105, 109, 110)).toEqual([
    "ok",
    "ok",
    "low raised",
    "low",
    "low",
    "low",
    "low",
    "ok resolved",
  ]);
});

test("two levels: warning, then worse, eased, and over", () => {
  expect(playAt(at(100, 200), 199, 99, 111, 215, 220)).toEqual([
    "warning raised",
    "low worsened",
    "warning eased",
    "warning",
    "ok resolved",
  ]);
});

test("tells again when half of what was left is gone, and ends at nothing", () => {
  expect(playAt(at(100), 90, 46, 45, 23, 22, 0, 0)).toEqual([
    "low raised",
    "low",
    "low worsened",
    "low",
    "low worsened",
    "low worsened",
    "low",
  ]);
});

test("a minimum that a person lowers below the free space resolves at once", () => {
  expect(
    play([
      [free(95), at(100)],
      [free(95), at(94)],
    ]),
  ).toEqual(["low raised", "ok resolved"]);
  expect(
    play([
      [free(95), at(100)],
      [free(95), at(96)],
    ]),
  ).toEqual(["low raised", "low"]);
});

test("what cannot be read hides a shortage without ending it", () => {
  const minimum = at(100, 200);
  expect(
    play([
      [free(150), minimum],
      [unreadable, minimum],
      [unreadable, minimum],
      [free(150), minimum],
      [unreadable, minimum],
      [free(50), minimum],
      [unreadable, minimum],
      [free(500), minimum],
    ]),
  ).toEqual([
    "warning raised",
    "unreadable lost",
    "unreadable",
    "warning regained",
    "unreadable lost",
    "low regained worsened",
    "unreadable lost",
    "ok regained resolved",
  ]);
});

test("raised and resolved alternate, an open shortage is below its widened threshold, whatever happens", () => {
  const step = fc.tuple(
    fc.oneof({ weight: 5, arbitrary: fc.nat(300).map(free) }, { weight: 1, arbitrary: fc.constant(unreadable) }),
    fc.constantFrom(at(100), at(100, 200), at(50), at(0)),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let state: LevelState = initialLevel;
      let isOpen = false;
      for (const [measurement, thresholds] of steps) {
        const { state: next, changes } = decideLevel(state, measurement, thresholds);
        if (changes.includes("raised")) expect(isOpen).toBe(false);
        if (changes.includes("resolved") || changes.includes("worsened")) expect(isOpen).toBe(true);
        if (changes.includes("raised")) isOpen = true;
        if (changes.includes("resolved")) isOpen = false;
        expect(next.toldFree !== null).toBe(isOpen);
        if (measurement.readable) {
          expect(next.level !== "ok").toBe(isOpen);
          const limit = Math.max(thresholds.minimum, thresholds.warning);
          if (measurement.free < limit) expect(isOpen).toBe(true);
          if (measurement.free >= limit * 1.1) expect(isOpen).toBe(false);
        }
        state = next;
      }
    }),
  );
});
