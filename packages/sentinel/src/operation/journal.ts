/** Operations as rows: how they are read, and the writes that create and move them. Decides nothing. */
import { ensureError } from "@castellan/kernel";
import { DesiredState, OperationVerb, StepState, Target } from "@castellan/protocol";
import { type Gateway, insert, newInstance, type Row, remove, update, type Write } from "@castellan/store";
import type { Closing } from "./lost.ts";
import { readMoveOptions } from "./move.ts";
import { hasEnded, type OpenOperation, type OperationStep } from "./overlap.ts";
import { decodeRanges, encodeRanges, type PlanStep } from "./plan.ts";
import type { StartNew } from "./start-new.ts";
import { clip, type Wave } from "./wave.ts";

/** Values of one IN list; a bound that every dialect takes. */
const IN_LIST = 500;

/**
 * All operations under way with all their steps, oldest first. One that somebody has broken in the schema is told of and
 * left out: the others go on.
 */
export async function readOpenOperations(
  gateway: Gateway,
  onBroken: (what: string) => void = () => undefined,
): Promise<OpenOperation[]> {
  const operations = await gateway.find("operation", {
    where: { state: "open" },
    orderBy: [{ column: "created_at" }, { column: "id" }],
  });
  if (operations.length === 0) return [];
  const servers = await gateway.find("node_cluster");
  const names = new Map(servers.map((row) => [row.logical_machine_id, row.physical_machine_name]));
  const read = await Promise.all(
    operations.map(async (row) => {
      const steps = await readSteps(gateway, row.id);
      try {
        return [operationOf(row, steps, names)];
      } catch (thrown) {
        onBroken(`operation ${row.id} in the schema cannot be read: ${ensureError(thrown).message}`);
        return [];
      }
    }),
  );
  return read.flat();
}

function operationOf(
  row: Row<"operation">,
  steps: readonly Row<"operation_step">[],
  names: ReadonlyMap<number, string>,
): OpenOperation {
  return {
    id: row.id,
    verb: OperationVerb.parse(row.verb),
    target: Target.parse(JSON.parse(row.target)),
    by: row.requested_by,
    move: row.verb === "move" ? readMoveOptions(row.options) : null,
    steps: steps.map((step) => stepOf(step, names)),
  };
}

function readSteps(gateway: Gateway, operationId: string): Promise<Row<"operation_step">[]> {
  return gateway.find("operation_step", { where: { operation_id: operationId }, orderBy: [{ column: "seq" }] });
}

function stepOf(row: Row<"operation_step">, names: ReadonlyMap<number, string>): OperationStep {
  return {
    id: row.id,
    seq: row.seq,
    serverId: row.logical_machine_id,
    server: names.get(row.logical_machine_id) ?? `server ${row.logical_machine_id}`,
    type: row.logical_process_name,
    instance: row.logical_process_instance,
    desired: DesiredState.parse(row.desired),
    state: StepState.parse(row.state),
    dependsOn: decodeRanges(row.depends_on),
    result: row.result_text,
  };
}

export interface NewOperation {
  readonly id: string;
  readonly requestId: string;
  readonly verb: OperationVerb;
  readonly target: Target;
  readonly options: Readonly<Record<string, unknown>>;
  readonly by: string;
  readonly epoch: number;
  readonly now: Date;
  /** None: there is nothing to do, and the operation is recorded as done with this text. */
  readonly note: string | null;
  readonly steps: readonly PlanStep[];
}

/** The operation and its steps; those that wait for nothing may be claimed at once. */
export function createWrites(operation: NewOperation, newId: () => string): Write[] {
  const { id, epoch, now, steps } = operation;
  const empty = steps.length === 0;
  const row: Row<"operation"> = {
    id,
    request_id: operation.requestId,
    verb: operation.verb,
    target: JSON.stringify(operation.target),
    options: JSON.stringify(operation.options),
    requested_by: operation.by,
    state: empty ? "done" : "open",
    result_text: empty ? operation.note : null,
    epoch,
    created_at: now,
    finished_at: empty ? now : null,
  };
  const encoded = new Map<PlanStep["dependsOn"], string>();
  return [
    insert("operation", row),
    ...steps.map((step) => {
      const dependsOn = encoded.get(step.dependsOn) ?? encodeRanges(step.dependsOn);
      encoded.set(step.dependsOn, dependsOn);
      return insert("operation_step", {
        id: newId(),
        operation_id: id,
        seq: step.seq,
        logical_machine_id: step.serverId,
        logical_process_name: step.type,
        logical_process_instance: step.instance,
        desired: step.desired,
        depends_on: dependsOn,
        state: step.notBegun !== undefined ? "skipped" : step.dependsOn.length === 0 ? "ready" : "pending",
        epoch,
        launch_id: newId(),
        claimed_by: null,
        claimed_at: null,
        finished_at: step.notBegun === undefined ? null : now,
        result_text: step.notBegun === undefined ? null : clip(step.notBegun),
      });
    }),
  ];
}

/** Defines temporary instances, and remembers their numbers. Guarded: two requests do not get the same numbers. */
export function startNewWrites(fresh: StartNew, numbers: readonly Row<"process_number">[]): Write[] {
  const { serverId, type, instances } = fresh;
  const counter = { logical_machine_id: serverId, logical_process_name: type };
  const known = numbers.find((row) => row.logical_machine_id === serverId && row.logical_process_name === type);
  const last_instance = Math.max(...instances);
  return [
    known === undefined
      ? insert("process_number", { ...counter, last_instance })
      : update("process_number", { ...counter, last_instance: known.last_instance }, { last_instance }),
    ...instances.map((instance) =>
      insert("process_config", newInstance({ serverId, type, instance, persistent: false })),
    ),
  ];
}

/** Closes steps of servers that are lost. Guarded: a step that has moved meanwhile undoes the commit. */
export function closeWrites(closings: readonly Closing[], now: Date): Write[] {
  return closings.flatMap(({ step, state, why }) => {
    const result = { state, result_text: clip(why), finished_at: now };
    const closed = update("operation_step", { id: step.id, state: step.state }, result);
    return state === "done" ? [closed, ...endedWrites(step)] : [closed];
  });
}

/** What certainly runs no more is written down by the master: whose word it would be is not there. */
function endedWrites({ serverId, type, instance, desired }: OperationStep): Write[] {
  const one = { logical_machine_id: serverId, logical_process_name: type, logical_process_instance: instance };
  const held = desired === "HELD";
  return [
    update("process_config", one, { last_known_status: held ? "STARTING" : "STOPPED", held }, "any"),
    remove("running_processes", one),
  ];
}

/** Moves an operation on by one wave. Guarded: a step that is no longer pending undoes the commit. */
export function waveWrites(operation: Pick<OpenOperation, "id">, wave: Wave, now: Date): Write[] {
  const writes: Write[] = [];
  const pending = (seqs: readonly number[], set: { state: string; result_text?: string; finished_at?: Date }): void => {
    for (let at = 0; at < seqs.length; at += IN_LIST) {
      const part = seqs.slice(at, at + IN_LIST);
      const where = { operation_id: operation.id, state: "pending", seq: { in: part } };
      writes.push(update("operation_step", where, set, part.length));
    }
  };
  pending(wave.ready, { state: "ready" });
  const byReason = new Map<string, number[]>();
  for (const { seq, why } of wave.skipped) byReason.set(why, [...(byReason.get(why) ?? []), seq]);
  for (const [why, seqs] of byReason) {
    pending(seqs, { state: "skipped", result_text: clip(why), finished_at: now });
  }
  if (wave.ended !== null) {
    const { state, result } = wave.ended;
    writes.push(
      update("operation", { id: operation.id, state: "open" }, { state, result_text: result, finished_at: now }),
    );
  }
  return writes;
}

/** Ends an operation and all its steps that have not ended, also those being performed: their sentinel's word is not awaited. */
export function supersedeWrites(operation: OpenOperation, by: string, now: Date): Write[] {
  const open = operation.steps.filter(({ state }) => !hasEnded(state)).length;
  const where = { operation_id: operation.id, state: { in: ["pending", "ready", "claimed"] } };
  const done = operation.steps.filter(({ state }) => state === "done").length;
  return [
    // One more may have been finished since it was read: any number will do.
    update("operation_step", where, { state: "skipped", result_text: "superseded", finished_at: now }, "any"),
    update(
      "operation",
      { id: operation.id, state: "open" },
      {
        state: "failed",
        result_text: clip(`superseded by ${by}; ${done} of ${operation.steps.length} done, ${open} given up`),
        finished_at: now,
      },
    ),
  ];
}
