/** What no series of events may bring about. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decideElection } from "../../src/role/election.ts";
import type { Election, ElectionEvent, Facts } from "../../src/role/election-state.ts";
import { agrees, facts, known, MASTER, nobody, OTHER, survey, US } from "./election-kit.ts";

const epoch = fc.integer({ min: 3, max: 8 });
const id = fc.constantFrom(MASTER, US, OTHER);
const live = fc.oneof(
  fc.record({ word: fc.constant("master" as const), epoch }),
  fc.constantFrom(...(["candidate", "nobody", "silence"] as const)).map((word) => ({ word })),
);
const member = fc.record({ id, sign: fc.constantFrom("1", "2"), gone: fc.boolean() });
const event: fc.Arbitrary<ElectionEvent> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<ElectionEvent>({ type: "Tick" }) },
  fc.record({
    type: fc.constant("Read" as const),
    epoch,
    masterId: fc.option(id),
    planned: fc.boolean(),
    fence: fc.nat(3),
    seenBefore: epoch,
  }),
  { weight: 6, arbitrary: fc.record({ type: fc.constant("Answered" as const), live }) },
  fc.record({ type: fc.constantFrom("Beat" as const, "Challenged" as const), epoch }),
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("Surveyed" as const),
      epoch,
      masterId: fc.option(id),
      members: fc.uniqueArray(member, { selector: (one) => one.id, maxLength: 3 }),
    }),
  },
  fc.record({
    type: fc.constant("Opined" as const),
    settled: fc.boolean(),
    epoch: fc.option(epoch),
    live,
    heardAgoMs: fc.option(fc.nat(6000)),
  }),
  fc.record({
    type: fc.constant("Vouched" as const),
    word: fc.constantFrom("up" as const, "restarting" as const, "down" as const, "nobody" as const),
  }),
  fc.record({ type: fc.constant("Ordered" as const), returns: fc.boolean() }),
  fc.record({ type: fc.constant("Excused" as const), epoch: fc.constantFrom(4, 5, 6), forMs: fc.nat(60_000) }),
  fc.record({
    type: fc.constantFrom("Taken" as const, "Lost" as const, "Deposed" as const, "NotBegun" as const),
    epoch,
  }),
  fc.constant<ElectionEvent>({ type: "NotTaken" }),
);
const step = fc.record({
  afterMs: fc.constantFrom(0, 1, 50, 100, 1000, 3000),
  event,
  settledMs: fc.constantFrom(null, 0, 2999, 3000, 60_000),
  sqlAgeMs: fc.constantFrom(null, 100, 4000),
});
type Step = Omit<Facts, "nowMs" | "alone" | "jitter"> & { readonly afterMs: number; readonly event: ElectionEvent };
/** What chance would hardly bring together: a check that comes to its end, or nearly. */
const persuasion: fc.Arbitrary<readonly Step[]> = fc
  .record({
    hints: fc.integer({ min: 1, max: 3 }),
    settledMs: fc.constantFrom(null, 2999, 3000, 60_000),
    last: fc.option(event),
  })
  .map(({ hints, settledMs, last }) => {
    const events: ElectionEvent[] = [
      ...Array.from({ length: hints }, () => nobody),
      survey([MASTER, US, OTHER]),
      { type: "Vouched", word: "nobody" },
      agrees,
      { type: "Tick" },
      last ?? { type: "NotTaken" },
    ];
    // Blindness comes at the end: so far it was in order.
    return events.map((one, at) => ({
      afterMs: at === hints + 3 ? 200 : 50,
      event: one,
      settledMs: at > hints ? settledMs : 60_000,
      sqlAgeMs: 100,
    }));
  });
const scenes = fc
  .array(
    fc.oneof(
      step.map((one): readonly Step[] => [one]),
      persuasion,
    ),
    { maxLength: 30 },
  )
  .map((list) => list.flat());
const start = fc.constantFrom<Election>(
  { kind: "following", known: known() },
  { kind: "following", known: known({ master: null }) },
  { kind: "master", known: known({ master: null }), epoch: 5, sinceMs: facts().nowMs },
);

/** Calls `look` with every decision. */
function play(
  first: Election,
  steps: readonly Step[],
  look: (before: Election, step: Step, decided: ReturnType<typeof decideElection>, now: Facts) => void,
): void {
  let state = first;
  let now = facts();
  for (const at of steps) {
    now = { ...now, nowMs: now.nowMs + at.afterMs, settledMs: at.settledMs, sqlAgeMs: at.sqlAgeMs };
    const decided = decideElection(state, at.event, now);
    look(state, at, decided, now);
    state = decided.state;
  }
}
const all = (look: Parameters<typeof play>[2], steps: fc.Arbitrary<readonly Step[]> = scenes): void => {
  fc.assert(
    fc.property(start, steps, (first, list) => play(first, list, look)),
    { numRuns: 500 },
  );
};
const takes = (decided: ReturnType<typeof decideElection>) => decided.effects.filter((effect) => effect.do === "take");
const isOurs = (state: Election): boolean => state.known.master !== null && [null, US].includes(state.known.master.id);

describe("whatever happens", () => {
  it("who is blind, or was lately, takes from nobody", () => {
    all((before, { event: { type } }, decided, now) => {
      if (takes(decided).length === 0 || type === "Ordered" || isOurs(decided.state)) return;
      expect(before.kind).toBe("checking");
      expect(now.settledMs).toBeGreaterThanOrEqual(3000);
    });
  });

  it("one evidence is one attempt: after it the next needs two more of nobody, or a full silence", () => {
    fc.assert(
      fc.property(scenes, (steps) => {
        let hints = 2;
        let lastMs = facts().nowMs;
        play({ kind: "following", known: known() }, steps, (_, { event: happened }, decided, now) => {
          if (happened.type === "Answered" && happened.live.word === "nobody") hints += 1;
          if (takes(decided).length === 0 || happened.type === "Ordered" || isOurs(decided.state)) return;
          expect(hints >= 2 || now.nowMs - lastMs >= 3000).toBe(true);
          hints = 0;
          lastMs = now.nowMs;
        });
      }),
      { numRuns: 500 },
    );
  });

  it("time-outs alone never lead to a check", () => {
    const quick = fc.array(
      step
        .filter(({ event: { type } }) => type !== "Ordered")
        .map((at) => ({
          ...at,
          afterMs: Math.min(at.afterMs, 20),
          event: { type: "Answered", live: { word: "silence" } } as const,
        })),
      { maxLength: 100 },
    );
    all((before, _, decided) => {
      if (before.kind === "following") expect(decided.state.kind).not.toBe("checking");
    }, quick);
  });

  it("at most one attempt is under way, and only its own result makes a master", () => {
    all((before, { event: happened }, decided) => {
      if (before.kind === "taking") expect(takes(decided)).toEqual([]);
      if (decided.state.kind === "taking" && before.kind !== "taking") expect(takes(decided)).toHaveLength(1);
      if (decided.state.kind !== "master" || before.kind === "master") return;
      expect([before.kind, happened.type]).toEqual(["taking", "Taken"]);
    });
  });

  it("a term begins once and ends once, and before another begins", () => {
    fc.assert(
      fc.property(scenes, (steps) => {
        let runs: number | null = null;
        play({ kind: "following", known: known() }, steps, (_before, _step, { state, effects }) => {
          for (const effect of effects) {
            if (effect.do === "begin") {
              expect(runs).toBeNull();
              runs = effect.epoch;
            }
            if (effect.do === "end") {
              expect(effect.epoch).toBe(runs);
              runs = null;
            }
          }
          expect(runs !== null).toBe(state.kind === "master");
        });
      }),
      { numRuns: 500 },
    );
  });

  it("who refuses does nothing, and the highest epoch is never forgotten", () => {
    all((before, _, { state, effects }) => {
      expect(state.known.highest).toBeGreaterThanOrEqual(before.known.highest);
      if (before.kind === "refusing" && state.kind === "refusing") {
        expect(effects.filter((effect) => !["remember", "disobeyed"].includes(effect.do))).toEqual([]);
      }
    });
  });
});
