/** `swstop`: stops the processes of the node, in the documented lines; `-f` after a notice. */
import { type AdminContext, submitOperation } from "@castellan/admin";
import { status } from "@castellan/admin/read";
import { CastellanError } from "@castellan/kernel";
import type { OperationReport, StepReport } from "@castellan/protocol";
import { EXIT } from "../../exit-code.ts";
import { keyOf } from "../../format/operation.ts";
import type { Invocation, Run } from "../../invocation.ts";
import { awaitForcedStop, sayNotice } from "../../notice.ts";
import { formatStatusLine, STATUS_HEAD } from "../lines.ts";
import { follow, type Show } from "./operation.ts";

const SUBMIT_MS = 10_000;
/** The documented notice. */
const NOTICE_S = 300;

export const run: Run = async (invocation) => {
  const ctx = await invocation.openAdmin();
  const timeoutMs = Math.min(SUBMIT_MS, invocation.timeoutMs ?? SUBMIT_MS);
  const { operationId } = await submitOperation(ctx, "shutdown", {}, { timeoutMs });
  return await follow(invocation, ctx, "shutdown", operationId, await stoppingLines(invocation, ctx));
};

/** The notice as it was typed; null: the documented one. */
export const force: Run<[string | null]> = async (invocation, text) => {
  const seconds = text === null ? NOTICE_S : /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(seconds)) {
    throw new CastellanError("USAGE", `"${text ?? ""}": write the notice as a number of seconds`);
  }
  const ctx = await invocation.openAdmin();
  const stop = await sayNotice(invocation, ctx, seconds);
  const operationId = await awaitForcedStop(invocation, ctx, stop);
  if (operationId === null) return EXIT.done;
  return await follow(invocation, ctx, "shutdown", operationId, await stoppingLines(invocation, ctx));
};

/** `Attempting to stop 17 processes`, then each process as it goes. */
async function stoppingLines({ io }: Invocation, ctx: AdminContext): Promise<Show> {
  const idOf = new Map((await status(ctx)).servers.map(({ id, name }) => [name, id]));
  const said = new Set<string>();
  let hasBegun = false;
  const say = (step: StepReport, word: string, comment: string): void => {
    const key = `${keyOf(step)} ${word}`;
    if (said.has(key)) return;
    said.add(key);
    const { type, instance } = step;
    io.out(formatStatusLine({ machineId: idOf.get(step.server) ?? 0, type, instance, status: word, comment }));
  };
  return ({ steps }: OperationReport) => {
    if (!hasBegun) io.out(`Attempting to stop ${steps.length} processes\n${steps.length > 0 ? STATUS_HEAD : ""}`);
    hasBegun = true;
    for (const step of steps) {
      if (step.state === "claimed" || step.state === "done") say(step, "SHUTTING DOWN", "Normal Shutdown");
      if (step.state === "done") say(step, "STOPPED", step.result ?? "");
      else if (step.state === "failed" || step.state === "skipped" || step.state === "unknown") {
        say(step, step.state.toUpperCase(), step.result ?? "");
      }
    }
  };
}
