import type { StepState } from "@castellan/protocol";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeRanges, encodeRanges, type SeqRange } from "../../src/operation/plan.ts";
import { MAX_RESULT, nextWave, type WaveStep } from "../../src/operation/wave.ts";
import { must } from "./views.ts";

const step = (
  seq: number,
  state: StepState,
  dependsOn: readonly SeqRange[] = [],
  result: string | null = null,
): WaveStep => ({
  seq,
  server: "hades",
  type: `T${seq}`,
  instance: 1,
  desired: "RUNNING",
  state,
  dependsOn,
  result,
});

describe("the next wave", () => {
  it("readies what waits for nothing any more, and nothing else", () => {
    const wave = nextWave([
      step(1, "done"),
      step(2, "claimed"),
      step(3, "pending", [[1, 1]]),
      step(4, "pending", [[1, 2]]),
      step(5, "pending"),
    ]);
    expect(wave).toEqual({ ready: [3, 5], skipped: [], ended: null });
  });

  it("skips what can never begin, near and far, and says why", () => {
    const wave = nextWave([
      step(1, "failed", [], "START_FAILED: no such file"),
      step(2, "pending", [[1, 1]]),
      step(3, "pending", [[2, 2]]),
      step(4, "pending"),
    ]);
    expect(wave.ready).toEqual([4]);
    expect(wave.skipped).toEqual([
      { seq: 2, why: "not begun: T1 1 on hades did not succeed" },
      { seq: 3, why: "not begun: T2 1 on hades was not begun" },
    ]);
    expect(wave.ended).toBeNull();
  });

  it("ends done when every step is", () => {
    expect(nextWave([step(1, "done"), step(2, "done")]).ended).toEqual({ state: "done", result: "2 done" });
  });

  it("ends failed telling the causes, not their consequences", () => {
    const { ended } = nextWave([step(1, "failed", [], "boom"), step(2, "pending", [[1, 1]]), step(3, "done")]);
    expect(ended).toEqual({ state: "failed", result: "2 of 3 not done; T1 1 on hades: boom" });
  });

  it("counts an unknown end as not done", () => {
    expect(nextWave([step(1, "unknown"), step(2, "pending", [[1, 1]])]).skipped).toHaveLength(1);
  });

  it("cuts a long result to what the column holds", () => {
    const steps = Array.from({ length: 100 }, (_, at) => step(at + 1, "failed", [], `${"x".repeat(50)} ${at}`));
    expect(nextWave(steps).ended?.result.length).toBe(MAX_RESULT);
  });

  it("always ends, when whatever becomes ready ends somehow", () => {
    const plans = fc.array(fc.tuple(fc.nat(20), fc.nat(20), fc.constantFrom<StepState>("done", "failed", "unknown")), {
      minLength: 1,
      maxLength: 20,
    });
    fc.assert(
      fc.property(plans, (plan) => {
        let steps = plan.map(([from, length], at): WaveStep => {
          const first = (from % (at + 1)) + 1;
          const last = Math.min(at, first + length);
          return step(at + 1, "pending", first <= last ? [[first, last]] : []);
        });
        const begun: number[] = [];
        for (let round = 0; round <= plan.length + 1; round += 1) {
          const wave = nextWave(steps);
          if (wave.ended !== null) {
            const done = steps.every(({ seq, state }) => state === "done" && begun.includes(seq));
            expect(wave.ended.state).toBe(done ? "done" : "failed");
            return;
          }
          for (const seq of wave.ready) {
            for (const [first, last] of must(steps[seq - 1]).dependsOn) {
              for (let at = first; at <= last; at += 1) expect(must(steps[at - 1]).state).toBe("done");
            }
          }
          begun.push(...wave.ready);
          const skipped = new Set(wave.skipped.map(({ seq }) => seq));
          steps = steps.map((one) => {
            if (skipped.has(one.seq)) return { ...one, state: "skipped" };
            return wave.ready.includes(one.seq) ? { ...one, state: must(plan[one.seq - 1])[2] } : one;
          });
          expect(new Set(begun).size).toBe(begun.length);
        }
        expect.unreachable("the plan never ended");
      }),
    );
  });
});

describe("ranges", () => {
  it("survive the column", () => {
    const ranges = fc.array(fc.tuple(fc.nat(), fc.nat()));
    fc.assert(
      fc.property(ranges, (value) => {
        expect(decodeRanges(encodeRanges(value))).toEqual(value);
      }),
    );
    expect(() => decodeRanges('{"a":1}')).toThrow();
  });
});
