import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { simulate } from "./simulated-node.ts";

describe("a grant", () => {
  it("is never held and over at once, whatever is lost, late, cut off, frozen or replaced", () => {
    let timesOver = 0;
    let timesHeld = 0;
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const outcome = simulate(seed, 300_000);
        expect(outcome.violations).toEqual([]);
        timesOver += outcome.timesOver;
        timesHeld += outcome.timesHeld;
      }),
      { numRuns: 60 },
    );
    // It is worth nothing if neither ever happens.
    expect(timesOver).toBeGreaterThan(20);
    expect(timesHeld).toBeGreaterThan(1000);
  });
});
