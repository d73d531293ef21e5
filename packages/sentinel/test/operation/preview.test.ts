import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PlannedInstance, PlanStep, SeqRange } from "../../src/operation/plan.ts";
import { previewOf } from "../../src/operation/preview.ts";

const step = (seq: number, type: string, instance: number, ...dependsOn: SeqRange[]): PlanStep => ({
  seq,
  serverId: 1,
  server: "hades",
  type,
  instance,
  desired: "RUNNING",
  dependsOn,
});

const stopped = (type: string, instance: number): PlannedInstance => ({
  serverId: 1,
  server: "hades",
  type,
  instance,
  enabled: true,
  persistent: true,
  held: false,
  status: "STOPPED",
});

describe("a plan's preview", () => {
  it("puts into one wave what waits for the same, and says what each process is now", () => {
    const steps = [
      step(1, "STORE", 1),
      step(2, "WEB", 1, [1, 1]),
      step(3, "WEB", 2, [1, 1]),
      step(4, "TOP", 1, [2, 3]),
    ];
    const { waves, note, supersedes } = previewOf({ steps, note: null }, [stopped("STORE", 1)], []);
    expect(waves.map((wave) => wave.map(({ type, instance }) => `${type} ${instance}`))).toEqual([
      ["STORE 1"],
      ["WEB 1", "WEB 2"],
      ["TOP 1"],
    ]);
    expect(waves[0]?.[0]).toEqual({
      server: "hades",
      type: "STORE",
      instance: 1,
      desired: "RUNNING",
      status: "STOPPED",
    });
    expect(waves[1]?.[0]?.status).toBeNull();
    expect({ note, supersedes }).toEqual({ note: null, supersedes: [] });
  });

  it("loses no step, leaves no wave empty, and puts every step behind all that it waits for", () => {
    const plans = fc.array(fc.array(fc.nat(), { maxLength: 3 }), { maxLength: 40 }).map((rows) =>
      rows.map((picks, at) => {
        const ranges = at === 0 ? [] : picks.map((pick): SeqRange => [(pick % at) + 1, at]);
        return step(at + 1, "T", at + 1, ...ranges);
      }),
    );
    fc.assert(
      fc.property(plans, (steps) => {
        const { waves } = previewOf({ steps, note: null }, [], []);
        const waveOf = new Map(waves.flatMap((wave, at) => wave.map(({ instance }) => [instance, at] as const)));
        expect(waveOf.size).toBe(steps.length);
        expect(waves.every((wave) => wave.length > 0)).toBe(true);
        for (const { seq, dependsOn } of steps) {
          for (const [first, last] of dependsOn) {
            for (let before = first; before <= last; before += 1) {
              expect(waveOf.get(before)).toBeLessThan(waveOf.get(seq) ?? -1);
            }
          }
        }
      }),
    );
  });
});
