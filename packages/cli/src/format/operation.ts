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
  catch_up: "catch-up",
};
const wordOf = (verb: OperationReport["verb"]): string => WORDS[verb] ?? verb;

export const keyOf = (step: Pick<StepReport, "server" | "type" | "instance">): string =>
  `${step.server} ${step.type} ${step.instance}`;
export const hasEnded = (step: StepReport): boolean => ENDED.has(step.state);

/** `hades WIS 3: done (started)`: one step that has ended. */
export function formatStep(step: StepReport, style: Style): string {
  const result = step.result === null ? "" : ` (${oneLine(step.result)})`;
  return `${keyOf(step)}: ${style.word(step.state)}${result}\n`;
}

/** `start: 3 of 7 (hades 2 of 4, zeus 1 of 3), now hades WIS 3 ...`: what an open operation is at. */
export function formatProgress(report: OperationReport, columns: number): string {
  const ended = report.steps.filter(hasEnded).length;
  const busy = report.steps.filter((step) => step.state === "claimed").map(keyOf);
  const line = `${wordOf(report.verb)}: ${ended} of ${report.steps.length}${perServer(report)}${busy.length > 0 ? `, now ${busy.join(", ")}` : ""}`;
  return line.length < columns ? line : `${line.slice(0, Math.max(0, columns - 2))}…`;
}

/** How far each server is, where there are several. */
function perServer({ steps }: OperationReport): string {
  const servers = [...new Set(steps.map(({ server }) => server))];
  if (servers.length < 2) return "";
  const told = servers.map((name) => {
    const own = steps.filter(({ server }) => server === name);
    return `${name} ${own.filter(hasEnded).length} of ${own.length}`;
  });
  return ` (${told.join(", ")})`;
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
