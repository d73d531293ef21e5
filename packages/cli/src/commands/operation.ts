/** `castellan start|stop|restart`: hands the request to the node and shows what becomes of each process. */
import { type AdminContext, submitOperation, watchOperation } from "@castellan/admin";
import { CastellanError } from "@castellan/kernel";
import {
  Instance,
  type OperationReport,
  type OperationVerb,
  parseName,
  type Target,
  TypeName,
} from "@castellan/protocol";
import { EXIT } from "../exit-code.ts";
import { formatOutcome, formatProgress, formatStep, hasEnded, keyOf } from "../format/operation.ts";
import { createStyle } from "../format/style.ts";
import { type Invocation, printJson, type Run } from "../invocation.ts";
import type { Io } from "../io.ts";

/** How long an operation may take by default: a node with slow starters needs minutes. */
const DEFAULT_TIMEOUT_MS = 300_000;
/** How long to look for a master at most. */
const SUBMIT_MS = 10_000;

export const run: Run<[OperationVerb, readonly (string | undefined)[]]> = async (
  invocation,
  verb,
  [server, type, number],
) => {
  const target = targetOf(server, type, number);
  const report = await runOperation(invocation, await invocation.openAdmin(), verb, target);
  if (invocation.json) printJson(invocation, report);
  return report.state === "done" ? EXIT.done : EXIT.refused;
};

type Shown = Pick<Invocation, "io" | "json" | "timeoutMs">;

/** Submits, and follows as `followOperation` does. */
export async function runOperation(
  invocation: Shown,
  ctx: AdminContext,
  verb: OperationVerb,
  target: Target,
  signal?: AbortSignal,
): Promise<OperationReport> {
  const timeoutMs = Math.min(SUBMIT_MS, invocation.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  const { operationId } = await submitOperation(ctx, verb, target, { timeoutMs });
  return await followOperation(invocation, ctx, operationId, signal);
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
): Promise<OperationReport> {
  const timeoutMs = invocation.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const show = invocation.json ? { update: () => undefined, end: () => undefined } : createProgress(invocation.io);
  try {
    const report = await watchOperation(ctx, operationId, (now) => show.update(now), timeoutMs, signal);
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

/** Throws BAD_NAME or USAGE. */
export function targetOf(server?: string, type?: string, number?: string): Target {
  if (number !== undefined && !(/^\d+$/.test(number) && Instance.safeParse(Number(number)).success)) {
    throw new CastellanError("USAGE", `"${number}" is not an instance number: write a number from 1 to 99999`);
  }
  return {
    ...(server === undefined ? {} : { server: server.toLowerCase() }),
    ...(type === undefined ? {} : { type: parseName(TypeName, type) }),
    ...(number === undefined ? {} : { instance: Number(number) }),
  };
}
