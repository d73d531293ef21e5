/** `swsvrmgr START|START_NEW|RESTART|SHUTDOWN|PAUSE|UNPAUSE`, `swstart`, `swstop`: an operation, told in the documented lines. */
import { type AdminContext, submitOperation, watchOperation } from "@castellan/admin";
import { CastellanError } from "@castellan/kernel";
import type { CommandVerb, OperationReport, Target } from "@castellan/protocol";
import { EXIT } from "../../exit-code.ts";
import { hasEnded, keyOf } from "../../format/operation.ts";
import { type Invocation, printJson, type Run } from "../../invocation.ts";
import { targetOf } from "../../target.ts";
import { formatEnd, formatResult } from "../lines.ts";

/** The documented `-T`. */
const DEFAULT_TIMEOUT_MS = 60_000;
/** How long to look for a master at most. */
const SUBMIT_MS = 10_000;

export const run: Run<[CommandVerb, readonly (string | undefined)[]]> = async (invocation, verb, words) => {
  const [server, type, instance] = words;
  return await carryOut(invocation, verb, targetOf(server, type, instance));
};

export const startNew: Run<[string, string, string | undefined]> = async (invocation, server, type, count = "1") => {
  if (!/^\d{1,3}$/.test(count)) {
    throw new CastellanError("USAGE", `"${count}": how many new ones? write a number from 1 to 100`);
  }
  return await carryOut(invocation, "start_new", targetOf(server, type), { count: Number(count) });
};

async function carryOut(
  invocation: Invocation,
  verb: CommandVerb,
  target: Target,
  options: Readonly<Record<string, unknown>> = {},
): Promise<number> {
  const ctx = await invocation.openAdmin();
  const timeoutMs = invocation.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const submit = { options, timeoutMs: Math.min(SUBMIT_MS, timeoutMs) };
  const { operationId } = await submitOperation(ctx, verb, target, submit);
  return await follow(invocation, ctx, verb, operationId, resultLines(invocation));
}

/** Called with the report whenever it has changed. */
export type Show = (report: OperationReport) => void;

const QUIET: Show = () => undefined;

/** Shows an operation until it has ended; answers the exit code. With `--json` only its last report is printed. */
export async function follow(
  invocation: Invocation,
  ctx: AdminContext,
  verb: CommandVerb,
  operationId: string,
  show: Show,
): Promise<number> {
  const timeoutMs = invocation.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const report = await watchOperation(ctx, operationId, invocation.json ? QUIET : show, timeoutMs);
  if (invocation.json) printJson(invocation, report);
  else invocation.io.out(formatEnd(verb, report));
  return report.state === "done" ? EXIT.done : EXIT.refused;
}

/** `BG 3 STARTED`, as each of them ends. */
export function resultLines({ io }: Pick<Invocation, "io">): Show {
  const shown = new Set<string>();
  return ({ steps }) => {
    const showServer = new Set(steps.map(({ server }) => server)).size > 1;
    for (const step of steps) {
      const key = `${keyOf(step)} ${step.desired}`;
      if (!hasEnded(step) || shown.has(key)) continue;
      shown.add(key);
      io.out(formatResult(step, showServer));
    }
  };
}
