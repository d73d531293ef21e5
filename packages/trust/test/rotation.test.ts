import { describe, expect, it } from "vitest";
import { phaseOf, ROTATION_STEPS, type RotationPhase, rotationAct } from "../src/authority/rotation.ts";

describe("the exchange of an authority", () => {
  it.each<[RotationPhase, boolean, number]>([
    ["settled", false, 1],
    ["settled", true, 1], // its making was cut short: nobody believes it yet
    ["begun", true, 2],
    ["switched", false, 2],
  ])("is %s (a next one: %s, believed: %i)", (phase, hasNext, believed) => {
    expect(phaseOf({ hasNext, believed })).toBe(phase);
  });

  it("has an answer for every step in every phase: an act, or which step comes first", () => {
    const phases = ["settled", "begun", "switched"] as const;
    const answers = ROTATION_STEPS.map((step) =>
      phases.map((phase) => {
        try {
          return rotationAct(step, phase);
        } catch (thrown) {
          return /rotate (\w+)/.exec(String(thrown))?.[1]?.toUpperCase();
        }
      }),
    );
    expect(answers).toEqual([
      ["make", "nothing", "FINISH"],
      ["BEGIN", "take-over", "issue"],
      ["nothing", "SWITCH", "forget"],
    ]);
  });
});
