/** What the end of the node's start means to the `up` that asked for it. Pure. */
import { isLeftUndone, type OperationReport, type StepReport } from "@castellan/protocol";

/** What passes by itself while the servers of a node come one after the other. */
const PASSING: ReadonlySet<string> = new Set(["NOT_REACHABLE", "SERVER_DOWN", "FOREGROUND_MOVES"]);

/** A refused start is worth another try soon. */
export const passes = (code: string): boolean => PASSING.has(code);

/**
 * The servers that what was not done waits for, when that is all that was not done: it is started there as soon as they come.
 * Null: something failed that waits for nobody. Of the servers that were `launched` nobody has to wait.
 */
export function awaitedServers(
  { state, steps }: Pick<OperationReport, "state" | "steps">,
  launched: readonly string[],
): readonly string[] | null {
  if (state === "done") return [];
  const undone = steps.filter((step) => step.state !== "done");
  const isMissing = (step: StepReport): boolean => step.state === "failed" && !launched.includes(step.server);
  const waits = undone.every((step) => isLeftUndone(step) && (step.state === "skipped" || isMissing(step)));
  const servers = [...new Set(undone.filter(isMissing).map(({ server }) => server))];
  return waits && servers.length > 0 ? servers : null;
}
