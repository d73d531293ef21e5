/**
 * How one authority is exchanged for another without anybody being turned away: first both are believed, then certificates
 * come from the new one, then the old one is forgotten. Pure; each step may be done again, and none can be left out.
 *
 * | step \ phase | settled            | both are believed        | certificates come from the new one |
 * |--------------|--------------------|--------------------------|------------------------------------|
 * | begin        | make a new one     | (done)                   | refused: finish first              |
 * | switch       | refused: begin     | issue from the new one   | (done: issues again)               |
 * | finish       | (done)             | refused: switch first    | forget the old one                 |
 */
import { CastellanError } from "@castellan/kernel";

export const ROTATION_STEPS = ["begin", "switch", "finish"] as const;
export type RotationStep = (typeof ROTATION_STEPS)[number];
export type RotationPhase = "settled" | "begun" | "switched";
export type RotationAct = "make" | "take-over" | "issue" | "forget" | "nothing";

/** By what lies there. A new authority that nobody has been told to believe is none: its making was cut short. */
export function phaseOf({
  hasNext,
  believed,
}: {
  readonly hasNext: boolean;
  readonly believed: number;
}): RotationPhase {
  if (believed <= 1) return "settled";
  return hasNext ? "begun" : "switched";
}

const ACTS: Readonly<Record<RotationStep, Readonly<Record<RotationPhase, RotationAct | RotationStep>>>> = {
  begin: { settled: "make", begun: "nothing", switched: "finish" },
  switch: { settled: "begin", begun: "take-over", switched: "issue" },
  finish: { settled: "nothing", begun: "switch", switched: "forget" },
};

const isStep = (word: RotationAct | RotationStep): word is RotationStep => ROTATION_STEPS.some((step) => step === word);

/** Throws ROTATION_ORDER with the step that comes first. */
export function rotationAct(step: RotationStep, phase: RotationPhase): RotationAct {
  const act = ACTS[step][phase];
  if (!isStep(act)) return act;
  throw new CastellanError("ROTATION_ORDER", `${REASONS[phase]}: \`castellan cert rotate ${act}\` comes first`, {
    details: { step, phase, first: act },
  });
}

const REASONS: Readonly<Record<RotationPhase, string>> = {
  settled: "there is no new authority yet",
  begun: "certificates still come from the old authority",
  switched: "the old authority is still believed since the last exchange",
};
