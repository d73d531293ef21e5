/**
 * What happens next in a plan. Pure and total: from the states of the steps to those that may begin, those that never
 * will, and whether the operation has ended.
 *
 * W1 A pending step becomes ready when all its dependencies are done; skipped when one of them failed, was skipped or is
 *    unknown. Nothing else moves here: claiming and finishing is the executing sentinel's.
 *    Who takes down goes on past what is unknown: a server that is lost does not keep the others running.
 * W2 An operation has ended when every step has; it is done when every step is done, else failed, and its text says why.
 */
import { type DesiredState, type StepState, undoneCode } from "@castellan/protocol";
import { instanceLabel, listOf, type SeqRange } from "./plan.ts";

export interface WaveStep {
  readonly seq: number;
  readonly server: string;
  readonly type: string;
  readonly instance: number;
  readonly desired: DesiredState;
  readonly state: StepState;
  readonly dependsOn: readonly SeqRange[];
  readonly result: string | null;
}

export interface Wave {
  readonly ready: readonly number[];
  readonly skipped: readonly { readonly seq: number; readonly why: string }[];
  /** Null while a step has not ended. */
  readonly ended: { readonly state: "done" | "failed"; readonly result: string } | null;
}

/** `operation.result_text` and `operation_step.result_text`, characters. */
export const MAX_RESULT = 1000;

type Blocked = "open" | "clear" | { readonly because: WaveStep };

const isEnd = (state: StepState): boolean => state !== "pending" && state !== "ready" && state !== "claimed";
const isBad = (state: StepState): boolean => isEnd(state) && state !== "done";
const takesDown = ({ desired }: WaveStep): boolean => desired === "STOPPED" || desired === "HELD";

export function nextWave(steps: readonly WaveStep[]): Wave {
  const bySeq = new Map([...steps].sort((a, b) => a.seq - b.seq).map((step) => [step.seq, step]));
  const ranges = new Map<string, Blocked>();
  const ready: number[] = [];
  const skipped: { seq: number; why: string }[] = [];
  // Dependencies have smaller seqs, so one pass in order sees every skip before those it makes skip.
  for (const [seq, step] of bySeq) {
    if (step.state !== "pending") continue;
    const blocked = blockedBy(step, bySeq, ranges);
    if (blocked === "open") continue;
    if (blocked === "clear") {
      ready.push(seq);
      continue;
    }
    const why = `${undoneCode(blocked.because.result)}not begun: ${instanceLabel(blocked.because)} ${blocked.because.state === "skipped" ? "was not begun" : "did not succeed"}`;
    skipped.push({ seq, why });
    bySeq.set(seq, { ...step, state: "skipped", result: why });
  }
  const after = [...bySeq.values()];
  return { ready, skipped, ended: after.every(({ state }) => isEnd(state)) ? endOf(after) : null };
}

function blockedBy(step: WaveStep, bySeq: ReadonlyMap<number, WaveStep>, ranges: Map<string, Blocked>): Blocked {
  let result: Blocked = "clear";
  for (const range of step.dependsOn) {
    const forgives = takesDown(step);
    const key = `${range[0]}-${range[1]} ${forgives}`;
    let blocked = ranges.get(key);
    if (blocked === undefined) {
      blocked = blockedByRange(range, bySeq, forgives);
      ranges.set(key, blocked);
    }
    if (typeof blocked === "object") return blocked;
    if (blocked === "open") result = "open";
  }
  return result;
}

function blockedByRange([first, last]: SeqRange, bySeq: ReadonlyMap<number, WaveStep>, forgives: boolean): Blocked {
  let result: Blocked = "clear";
  for (let seq = first; seq <= last; seq += 1) {
    const step = bySeq.get(seq);
    if (step === undefined) continue;
    if (isBad(step.state) && !(forgives && step.state === "unknown")) return { because: step };
    if (!isEnd(step.state)) result = "open";
  }
  return result;
}

function endOf(steps: readonly WaveStep[]): NonNullable<Wave["ended"]> {
  const bad = steps.filter(({ state }) => isBad(state));
  if (bad.length === 0) return { state: "done", result: `${steps.length} done` };
  // Those that failed themselves say more than those that were skipped after them.
  const causes = bad.filter(({ state }) => state !== "skipped");
  const byReason = new Map<string, string[]>();
  for (const step of causes.length > 0 ? causes : bad) {
    const reason = step.result ?? step.state;
    byReason.set(reason, [...(byReason.get(reason) ?? []), instanceLabel(step)]);
  }
  const told = [...byReason].map(([reason, labels]) => `${listOf(labels)}: ${reason}`);
  return { state: "failed", result: clip(`${bad.length} of ${steps.length} not done; ${told.join("; ")}`) };
}

/** Cuts a text to what a result column holds. */
export function clip(text: string): string {
  return text.length <= MAX_RESULT ? text : `${text.slice(0, MAX_RESULT - 1)}…`;
}
