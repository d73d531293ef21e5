/** A stop of the node after a notice: saying it, and waiting for it to begin. */
import {
  type AdminContext,
  announceStop,
  type ForcedStop,
  operationOf,
  readForcedStop,
  submitOperation,
} from "@castellan/admin";
import { sleep } from "@castellan/kernel";
import { createStyle } from "./format/style.ts";
import { type Invocation, printJson } from "./invocation.ts";

const LOOK_MS = 250;

export async function sayNotice(invocation: Invocation, ctx: AdminContext, seconds: number): Promise<ForcedStop> {
  const { io, json } = invocation;
  const { stop, outcome, users } = await announceStop(ctx, seconds);
  if (json) {
    printJson(invocation, { outcome, requestId: stop.requestId, by: stop.by, stopAt: stop.stopAt, users });
    return stop;
  }
  const left = Math.max(0, Math.round((stop.stopAt.getTime() - ctx.clock.now().getTime()) / 1000));
  if (outcome === "ignored") {
    io.out(
      `Ignored: the system will be stopped in ${left} seconds already, by ${stop.by}; that can only be shortened\n`,
    );
  } else {
    const told = users.length === 0 ? "nobody is signed in" : `signed in: ${users.join(", ")}`;
    io.out(`The system will be stopped in ${left} seconds (${told})\n`);
  }
  if (left > 0) io.out(`${createStyle(io.outColour).faint("Ctrl-C here does not take that back")}\n`);
  return stop;
}

/** The operation, once it has begun; null when interrupted: it comes all the same. Somebody may bring it nearer meanwhile. */
export async function awaitForcedStop(
  { io }: Pick<Invocation, "io">,
  ctx: AdminContext,
  { requestId }: ForcedStop,
): Promise<string | null> {
  while (!io.interrupted.aborted) {
    const waits = (await readForcedStop(ctx))?.requestId === requestId;
    const operationId = await operationOf(ctx, requestId);
    if (operationId !== null) return operationId;
    // It is over without an operation: it was refused, or the node had stopped before. The same request says which.
    if (!waits) return (await submitOperation(ctx, "shutdown", {}, { requestId })).operationId;
    await sleep(ctx.clock, LOOK_MS, io.interrupted);
  }
  return null;
}
