import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decideSingleton,
  initialSingleton,
  type SingletonEffect,
  type SingletonEvent,
  type SingletonState,
} from "../src/cluster/singleton-decision.ts";

const play = (events: readonly SingletonEvent[]): { state: SingletonState; effects: SingletonEffect[] } => {
  let state = initialSingleton;
  const effects: SingletonEffect[] = [];
  for (const event of events) {
    const decided = decideSingleton(state, event, "me");
    state = decided.state;
    effects.push(...decided.effects);
  }
  return { state, effects };
};

describe("what a system does about a singleton", () => {
  test("it takes a free epoch, hosts while it holds it, and stops when another does", () => {
    const { effects } = play([
      { type: "Claimed", claim: null },
      { type: "Claimed", claim: { epoch: 1, holder: "me" } },
      { type: "Claimed", claim: { epoch: 2, holder: "other" } },
      { type: "InstanceGone", epoch: 1 },
    ]);
    expect(effects).toEqual([{ kind: "acquire" }, { kind: "start", epoch: 1 }, { kind: "stop" }]);
  });

  test("the next instance waits for the end of the one before", () => {
    const taken = play([
      { type: "Claimed", claim: { epoch: 1, holder: "me" } },
      { type: "Claimed", claim: { epoch: 2, holder: "other" } },
      { type: "Claimed", claim: { epoch: 3, holder: "me" } },
    ]);
    expect(taken.effects).toEqual([{ kind: "start", epoch: 1 }, { kind: "stop" }]);
    const gone = decideSingleton(taken.state, { type: "InstanceGone", epoch: 1 }, "me");
    expect(gone.effects).toEqual([{ kind: "start", epoch: 3 }]);
  });

  test("an instance that ends by itself gives the epoch back, and this system pauses before it tries again", () => {
    const { effects } = play([
      { type: "Claimed", claim: { epoch: 1, holder: "me" } },
      { type: "InstanceGone", epoch: 1 },
      { type: "Claimed", claim: null },
      { type: "TryAgain" },
    ]);
    expect(effects).toEqual([{ kind: "start", epoch: 1 }, { kind: "release", epoch: 1 }, { kind: "acquire" }]);
  });

  test("a message for a later epoch ends the hosting; old news does not bring it back", () => {
    const { state, effects } = play([
      { type: "Claimed", claim: { epoch: 1, holder: "me" } },
      { type: "Outdated", epoch: 2 },
      { type: "Claimed", claim: { epoch: 1, holder: "me" } },
      { type: "InstanceGone", epoch: 1 },
    ]);
    expect(effects).toEqual([{ kind: "start", epoch: 1 }, { kind: "stop" }]);
    expect(state).toMatchObject({ hosted: null, held: null, seen: 2 });
  });

  test("for every order of events: one instance at most, epochs only grow, one attempt at a time", () => {
    const claim = fc.option(
      fc.record({ epoch: fc.integer({ min: 1, max: 9 }), holder: fc.constantFrom("me", "other") }),
      {
        nil: null,
      },
    );
    const event: fc.Arbitrary<SingletonEvent> = fc.oneof(
      claim.map((given): SingletonEvent => ({ type: "Claimed", claim: given })),
      fc.integer({ min: 1, max: 9 }).map((epoch): SingletonEvent => ({ type: "Outdated", epoch })),
      fc.constantFrom<SingletonEvent>({ type: "TryAgain" }, { type: "InstanceGone", epoch: -1 }),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        let state = initialSingleton;
        let live: number | null = null;
        let lastStarted = 0;
        for (const given of events) {
          // The world ends only instances that live.
          const happens = given.type === "InstanceGone" && live !== null ? { ...given, epoch: live } : given;
          if (happens.type === "InstanceGone") live = null;
          const before = state;
          const decided = decideSingleton(state, happens, "me");
          state = decided.state;
          expect(state.seen).toBeGreaterThanOrEqual(before.seen);
          for (const effect of decided.effects) {
            if (effect.kind === "acquire") expect(before.trying && happens.type !== "TryAgain").toBe(false);
            if (effect.kind === "stop") expect(live).not.toBeNull();
            if (effect.kind !== "start") continue;
            expect(live).toBeNull();
            expect(effect.epoch).toBeGreaterThanOrEqual(lastStarted);
            expect(effect.epoch).toBe(state.seen);
            live = effect.epoch;
            lastStarted = effect.epoch;
          }
          expect(state.hosted).toBe(live);
          if (live !== null && state.held !== live) expect(state.stopping).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });
});
