/** `castellan start|stop|restart|pause|resume|start-new`: hands the request to the node and shows what becomes of each process. */
import { type AdminContext, submitOperation, watchOperation } from "@castellan/admin";
import { CastellanError } from "@castellan/kernel";
import type { CommandVerb, OperationReport, Target } from "@castellan/protocol";
import { EXIT } from "../exit-code.ts";
import { formatOutcome, formatProgress, formatStep, hasEnded, keyOf } from "../format/operation.ts";
import { createStyle } from "../format/style.ts";
import { type Invocation, printJson, type Run } from "../invocation.ts";
import type { Io } from "../io.ts";
import { targetOf } from "../target.ts";

/** How long an operation may take by default: a node with slow starters needs minutes. */
const DEFAULT_TIMEOUT_MS = 300_000;
/** How long to look for a master at most. */
const SUBMIT_MS = 10_000;

export const run: Run<[CommandVerb, readonly (string | undefined)[]]> = async (
  invocation,
  verb,
  [server, type, number],
) => {
  const target = targetOf(server, type, number);
  const report = await runOperation(invocation, await invocation.openAdmin(), verb, target);
  if (invocation.json) printJson(invocation, report);
  return report.state === "done" ? EXIT.done : EXIT.refused;
};

/** Temporary instances: they get the next free numbers, and are gone when they are stopped. */
export const startNew: Run<[string, string, string | undefined]> = async (invocation, server, type, count = "1") => {
  if (!/^\d{1,3}$/.test(count)) {
    throw new CastellanError("USAGE", `"${count}": how many new ones? write a number from 1 to 100`);
  }
  const options = { count: Number(count) };
  const admin = await invocation.openAdmin();
  const report = await runOperation(invocation, admin, "start_new", targetOf(server, type), { options });
  if (invocation.json) printJson(invocation, report);
  return report.state === "done" ? EXIT.done : EXIT.refused;
};

type Shown = Pick<Invocation, "io" | "json" | "timeoutMs">;

export interface RunOptions {
  readonly signal?: AbortSignal;
  readonly options?: Readonly<Record<string, unknown>>;
  /** As that of `submitOperation` and `watchOperation`. */
  readonly isVain?: () => Promise<boolean>;
}

/** Submits, and follows as `followOperation` does. */
export async function runOperation(
  invocation: Shown,
  ctx: AdminContext,
  verb: CommandVerb,
  target: Target,
  { signal, options = {}, isVain }: RunOptions = {},
): Promise<OperationReport> {
  const timeoutMs = Math.min(SUBMIT_MS, invocation.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  const { operationId } = await submitOperation(ctx, verb, target, {
    timeoutMs,
    options,
    ...(isVain && { isVain }),
  });
  return await followOperation(invocation, ctx, operationId, signal, isVain);
}

/**
 * Follows to the end, shows what happens (not with `--json`), and answers the last report. `signal`: follow no longer; as
 * with a time-out, the operation goes on.
 */
export async function followOperation(
  invocation: Shown,
  ctx: AdminContext,
  operationId: string,
  signal?: AbortSignal,
  isVain?: () => Promise<boolean>,
): Promise<OperationReport> {
  const timeoutMs = invocation.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const show = invocation.json ? { update: () => undefined, end: () => undefined } : createProgress(invocation.io);
  try {
    const report = await watchOperation(ctx, operationId, (now) => show.update(now), timeoutMs, signal, isVain);
    show.end(report);
    return report;
  } catch (thrown) {
    show.end(null);
    throw thrown;
  }
}

export interface Progress {
  update(report: OperationReport): void;
  /** Null: it has not ended. */
  end(report: OperationReport | null): void;
}

/** A line for each process when it is done; on a terminal a last line that says what is being waited for. */
export function createProgress(io: Pick<Io, "out" | "isTerminal" | "outColour" | "columns">): Progress {
  const style = createStyle(io.outColour);
  const shown = new Set<string>();
  const clearLine = io.isTerminal ? "\r\u001b[K" : "";
  const update = (report: OperationReport): void => {
    const fresh = report.steps.filter((step) => hasEnded(step) && !shown.has(keyOf(step)));
    for (const step of fresh) shown.add(keyOf(step));
    const lines = fresh.map((step) => formatStep(step, style)).join("");
    const waiting = io.isTerminal && report.state === "open" ? style.faint(formatProgress(report, io.columns)) : "";
    if (lines !== "" || io.isTerminal) io.out(`${clearLine}${lines}${waiting}`);
  };
  return {
    update,
    end(report) {
      if (report) {
        update(report);
        io.out(`${clearLine}${formatOutcome(report, style)}`);
      } else if (io.isTerminal) io.out("\n");
    },
  };
}
