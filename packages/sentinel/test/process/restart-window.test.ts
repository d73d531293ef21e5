import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decideRestart, type RestartPolicy, type RestartWindow } from "../../src/process/restart-window.ts";

const policy: RestartPolicy = { autoRestarts: true, maxRestarts: 5, windowMs: 120_000 };

/** Lets it die again and again after `runs` milliseconds of running each; the attempts until it is suspended. */
function attempts(which: RestartPolicy, runs: readonly number[]): (number | "suspended")[] {
  let window: RestartWindow = [];
  const seen: (number | "suspended")[] = [];
  for (const ranMs of runs) {
    const verdict = decideRestart(which, window, ranMs);
    window = verdict.window;
    seen.push(verdict.restart ? verdict.attempt : "suspended");
    if (!verdict.restart) break;
  }
  return seen;
}

describe("restart window", () => {
  test("the first attempt is at once, the following back off, the sixth death suspends", () => {
    expect(attempts(policy, [500_000, 10, 10, 10, 10, 10, 10])).toEqual([0, 1, 2, 3, 4, "suspended"]);
  });

  test("a run longer than the window resets count and back-off", () => {
    expect(attempts(policy, [10, 10, 10, 120_000, 10])).toEqual([0, 1, 2, 0, 1]);
  });

  test("deaths spread so that fewer than the most lie in a window are survived for ever", () => {
    expect(
      attempts(
        policy,
        Array.from({ length: 50 }, () => 30_000),
      ).includes("suspended"),
    ).toBe(false);
  });

  test("0 attempts allowed means never give up", () => {
    expect(
      attempts(
        { ...policy, maxRestarts: 0 },
        Array.from({ length: 5000 }, () => 0),
      ),
    ).not.toContain("suspended");
  });

  test("without automatic restarts the first death suspends and says why", () => {
    const verdict = decideRestart({ ...policy, autoRestarts: false }, [], 1);
    expect(verdict).toMatchObject({ restart: false, why: expect.stringContaining("PROCESS_AUTO_RESTARTS") });
  });

  test("property: within the running time of one window never more than the most attempts, and the window is bounded", () => {
    const policies = fc.record({
      autoRestarts: fc.constant(true),
      maxRestarts: fc.integer({ min: 1, max: 10 }),
      windowMs: fc.integer({ min: 1, max: 1000 }),
    });
    fc.assert(
      fc.property(policies, fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 200 }), (which, runs) => {
        let window: RestartWindow = [];
        let upMs = 0;
        let at: number[] = [];
        for (const ranMs of runs) {
          upMs += ranMs;
          const verdict = decideRestart(which, window, ranMs);
          window = verdict.window;
          at = at.filter((attempt) => upMs - attempt < which.windowMs);
          expect(verdict.restart).toBe(at.length < which.maxRestarts);
          if (verdict.restart) {
            expect(verdict.attempt).toBe(at.length);
            at.push(upMs);
          }
          expect(window.length).toBeLessThanOrEqual(which.maxRestarts);
        }
      }),
    );
  });
});
