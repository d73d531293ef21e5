/** Follows an operation to its end, by reading its journal: this works whatever becomes of the bus in the meantime. */
import { CastellanError, sleep } from "@castellan/kernel";
import {
  DesiredState,
  type OperationReport,
  OperationState,
  OperationVerb,
  type StepReport,
  StepState,
  Target,
} from "@castellan/protocol";
import { type Row, StoreUnavailable } from "@castellan/store";
import type { AdminContext } from "./context.ts";

const POLL_MS = 100;

/**
 * Calls back with the whole report whenever it has changed, first with what is there, and resolves with the last: state
 * done, failed or refused. Rejects with NO_SUCH_OPERATION, TIMED_OUT when it has not ended in time (it goes on) or
 * `signal` aborts, or NOT_REACHABLE when `isVain` says that nobody is there to carry it out.
 */
export async function watchOperation(
  ctx: Pick<AdminContext, "gateway" | "clock">,
  operationId: string,
  onChange: (report: OperationReport) => void,
  timeoutMs: number,
  signal?: AbortSignal,
  isVain?: () => Promise<boolean>,
): Promise<OperationReport> {
  const deadline = ctx.clock.bootMs() + timeoutMs;
  let shown = "";
  for (;;) {
    const report = await readPatiently(ctx, operationId);
    const now = JSON.stringify(report);
    if (report && now !== shown) {
      shown = now;
      onChange(report);
    }
    if (report && report.state !== "open") return report;
    if (ctx.clock.bootMs() >= deadline || signal?.aborted) {
      const message = `operation ${operationId} has not ended within ${Math.round(timeoutMs / 1000)} s; it goes on`;
      throw new CastellanError("TIMED_OUT", message, { retryable: true, details: { operationId } });
    }
    if (await isVain?.()) {
      const message = `operation ${operationId} has not ended, and nobody is there to carry it out`;
      throw new CastellanError("NOT_REACHABLE", message, { details: { operationId } });
    }
    await sleep(ctx.clock, POLL_MS, signal);
  }
}

/** Null while the database is away. */
async function readPatiently(ctx: Pick<AdminContext, "gateway">, id: string): Promise<OperationReport | null> {
  try {
    return await readOperation(ctx, id);
  } catch (thrown) {
    if (thrown instanceof StoreUnavailable) return null;
    throw thrown;
  }
}

/** One operation with its steps in order. Rejects with NO_SUCH_OPERATION. */
export async function readOperation(ctx: Pick<AdminContext, "gateway">, id: string): Promise<OperationReport> {
  // The operation before its steps: when it has ended, the steps read after it are final.
  const [operation] = await ctx.gateway.find("operation", { where: { id } });
  if (!operation) throw new CastellanError("NO_SUCH_OPERATION", `there is no operation ${id}`);
  const [servers, steps] = await Promise.all([
    ctx.gateway.find("node_cluster"),
    ctx.gateway.find("operation_step", { where: { operation_id: id }, orderBy: [{ column: "seq" }] }),
  ]);
  return operationReport(
    operation,
    steps,
    new Map(servers.map((s) => [s.logical_machine_id, s.physical_machine_name])),
  );
}

/** The report of rows in hand. Pure. Steps that stand for no instance (barriers of the plan) are not reported. */
export function operationReport(
  operation: Row<"operation">,
  steps: readonly Row<"operation_step">[],
  serverNames: ReadonlyMap<number, string>,
): OperationReport {
  return {
    id: operation.id,
    verb: OperationVerb.parse(operation.verb),
    target: targetOf(operation.target),
    by: operation.requested_by,
    state: OperationState.parse(operation.state),
    result: operation.result_text,
    createdAt: operation.created_at.toISOString(),
    finishedAt: operation.finished_at?.toISOString() ?? null,
    steps: steps
      .filter((step) => step.logical_process_instance > 0)
      .map(
        (step): StepReport => ({
          server: serverNames.get(step.logical_machine_id) ?? `#${step.logical_machine_id}`,
          type: step.logical_process_name,
          instance: step.logical_process_instance,
          desired: DesiredState.parse(step.desired),
          state: StepState.parse(step.state),
          result: step.result_text,
        }),
      ),
  };
}

/** What cannot be read is shown as the whole node: the steps say what is meant. */
function targetOf(json: string): Target {
  try {
    const checked = Target.safeParse(JSON.parse(json));
    return checked.success ? checked.data : {};
  } catch {
    return {};
  }
}
