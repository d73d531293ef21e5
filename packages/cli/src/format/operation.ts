/** Operations as a person follows them. Pure. */
import type { OperationReport, StepReport } from "@castellan/protocol";
import type { Style } from "./style.ts";
import { oneLine } from "./table.ts";

const ENDED: ReadonlySet<StepReport["state"]> = new Set(["done", "failed", "skipped", "unknown"]);

/** The word people use: the one they typed. */
const WORDS: Readonly<Partial<Record<OperationReport["verb"], string>>> = {
  shutdown: "stop",
  unpause: "resume",
  start_new: "start-new",
};
const wordOf = (verb: OperationReport["verb"]): string => WORDS[verb] ?? verb;

export const keyOf = (step: StepReport): string => `${step.server} ${step.type} ${step.instance}`;
export const hasEnded = (step: StepReport): boolean => ENDED.has(step.state);

/** `hades WIS 3: done (started)`: one step that has ended. */
export function formatStep(step: StepReport, style: Style): string {
  const result = step.result === null ? "" : ` (${oneLine(step.result)})`;
  return `${keyOf(step)}: ${style.word(step.state)}${result}\n`;
}

/** `3 of 7, hades WIS 3, hades WIS 4 ...`: what an open operation is at. */
export function formatProgress(report: OperationReport, columns: number): string {
  const ended = report.steps.filter(hasEnded).length;
  const busy = report.steps.filter((step) => step.state === "claimed").map(keyOf);
  const line = `${wordOf(report.verb)}: ${ended} of ${report.steps.length}${busy.length > 0 ? `, now ${busy.join(", ")}` : ""}`;
  return line.length < columns ? line : `${line.slice(0, Math.max(0, columns - 2))}…`;
}

/** The last line of an operation. */
export function formatOutcome(report: OperationReport, style: Style): string {
  const counts = new Map<string, number>();
  for (const { state } of report.steps) counts.set(state, (counts.get(state) ?? 0) + 1);
  const summary =
    report.steps.length === 0
      ? "there was nothing to do"
      : [...counts].map(([state, count]) => `${count} ${state}`).join(", ");
  const result = report.state === "done" || report.result === null ? "" : `: ${oneLine(report.result)}`;
  return `${wordOf(report.verb)} ${style.word(report.state)}${result} (${summary})\n`;
}
