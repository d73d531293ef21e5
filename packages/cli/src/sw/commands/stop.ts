/** `swstop`: stops the processes of the node, in the documented lines; `-f` after a notice. */
import { type AdminContext, submitOperation } from "@castellan/admin";
import { status } from "@castellan/admin/read";
import { CastellanError } from "@castellan/kernel";
import type { OperationReport, StepReport } from "@castellan/protocol";
import { EXIT } from "../../exit-code.ts";
import { hasEnded, keyOf } from "../../format/operation.ts";
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
  const show = await stoppingLines(invocation, ctx);
  const { operationId } = await submitOperation(ctx, "shutdown", {}, { timeoutMs });
  return await follow(invocation, ctx, "shutdown", operationId, show);
};

/** The notice as it was typed; null: the documented one. */
export const force: Run<[string | null]> = async (invocation, text) => {
  const seconds = text === null ? NOTICE_S : /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(seconds)) {
    throw new CastellanError("USAGE", `"${text ?? ""}": write the notice as a number of seconds`);
  }
  const ctx = await invocation.openAdmin();
  const stop = await sayNotice(invocation, ctx, seconds);
  const show = await stoppingLines(invocation, ctx);
  const operationId = await awaitForcedStop(invocation, ctx, stop);
  return operationId === null ? EXIT.done : await follow(invocation, ctx, "shutdown", operationId, show);
};

/** `Attempting to stop 17 processes`, then each process as it goes. Counted is what was up before. */
async function stoppingLines({ io }: Invocation, ctx: AdminContext): Promise<Show> {
  const { servers } = await status(ctx);
  const idOf = new Map(servers.map(({ id, name }) => [name, id]));
  const wasDown = new Set(
    servers.flatMap(({ name, processes }) =>
      processes
        .filter((one) => one.status === "STOPPED" || one.status === "SUSPENDED")
        .map(({ type, instance }) => keyOf({ server: name, type, instance })),
    ),
  );
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
    const stopping = steps.filter((step) => !wasDown.has(keyOf(step)));
    if (!hasBegun) io.out(`Attempting to stop ${stopping.length} processes\n${stopping.length > 0 ? STATUS_HEAD : ""}`);
    hasBegun = true;
    for (const step of stopping) {
      if (step.state === "claimed" || step.state === "done") say(step, "SHUTTING DOWN", "Normal Shutdown");
      if (step.state === "done") say(step, "STOPPED", step.result ?? "");
      else if (hasEnded(step)) say(step, step.state.toUpperCase(), step.result ?? "");
    }
  };
}
