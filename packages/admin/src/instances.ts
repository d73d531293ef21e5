/**
 * Single instances of `process_config`: added, enabled, disabled, taken away. A number that was given once is not given again,
 * so that what is on record about it stays unmistakable.
 */
import { CastellanError } from "@castellan/kernel";
import { didYouMean, type Target, TypeName } from "@castellan/protocol";
import { insert, newInstance, type Row, readDefinition, remove, update } from "@castellan/store";
import { readSpecView } from "./apply.ts";
import { auditRow } from "./audit.ts";
import { changePatiently } from "./change-patiently.ts";
import type { AdminContext } from "./context.ts";
import { numberWrites } from "./instance-number.ts";
import { previewOperation } from "./preview-operation.ts";
import { readServers, serverNamed } from "./servers.ts";
import { checkInstances } from "./spec-check.ts";
import { submitOperation } from "./submit-operation.ts";
import { tellSentinels } from "./tell-sentinels.ts";

export interface InstanceRef {
  readonly server: string;
  readonly serverId: number;
  readonly type: string;
  readonly instance: number;
}

export interface InstanceChanged extends InstanceRef {
  /** It was so already. */
  readonly unchanged: boolean;
  /** The operation that starts it, for the node runs; null: it starts with the node, or by hand. */
  readonly operationId: string | null;
  /** Why it could not be started; null: it is, or was not to be. */
  readonly problem: string | null;
}

/** Which instance, completely. */
export interface InstanceTarget {
  /** Name or id. */
  readonly server: string;
  readonly type: TypeName;
  readonly instance: number;
}

const SUBMIT_MS = 5000;
const WHAT = "the processes";

/**
 * Defines one more instance under the next number; in a node that runs it is started if it is enabled and its type may be
 * started alone. Refused UNKNOWN_SERVER, UNKNOWN_TYPE, EXCLUSIVE_TWICE, FOREGROUND_NOT_ON_MASTER, TOO_MANY.
 */
export async function addInstance(
  ctx: AdminContext,
  server: string,
  type: TypeName,
  enabled: boolean,
): Promise<InstanceChanged> {
  const added = await changePatiently(WHAT, async () => {
    const { view } = await readSpecView(ctx.gateway);
    const { id: serverId, name } = serverNamed(view.servers, server);
    const key = { logical_machine_id: serverId, logical_process_name: type };
    const numbers = await ctx.gateway.find("process_number", { where: key });
    const given = view.instances.filter((other) => other.serverId === serverId && other.type === type);
    const instance = Math.max(0, numbers[0]?.last_instance ?? 0, ...given.map((other) => other.instance)) + 1;
    const ref = { server: name, serverId, type, instance };
    if (!view.types.has(type)) throw unknownType(type, view.types.keys());
    const [problem] = checkInstances(view, [type], { instances: [{ ...ref, change: "added" }] });
    if (problem !== undefined) throw new CastellanError(problem.code, problem.message, { details: { ...ref } });
    await ctx.gateway.commit([
      ...numberWrites(numbers, [ref]),
      insert("process_config", newInstance({ ...ref, enabled })),
      auditRow(ctx, "process.add", { ...ref, enabled }),
    ]);
    return ref;
  });
  await tellSentinels(ctx, [added.server]);
  return { ...added, unchanged: false, ...(enabled ? await startIfRunning(ctx, added, "STOPPED") : NOT_STARTED) };
}

/**
 * Whether an instance starts with its node. Enabling also revives one that was given up, and starts one that may be started
 * alone, in a node that runs; disabling leaves what runs alone. Refused UNKNOWN_SERVER, NO_SUCH_PROCESS.
 */
export async function setInstanceEnabled(
  ctx: AdminContext,
  target: InstanceTarget,
  enabled: boolean,
): Promise<InstanceChanged> {
  const { ref, row } = await changePatiently(WHAT, async () => {
    const found = await findInstance(ctx, target);
    if (found.row.enabled !== enabled) {
      const key = keyOf(found.ref);
      await ctx.gateway.commit([
        update("process_config", { ...key, enabled: !enabled }, { enabled }),
        auditRow(ctx, enabled ? "process.enable" : "process.disable", { ...found.ref }),
      ]);
    }
    return found;
  });
  await tellSentinels(ctx, [ref.server]);
  const status = row.last_known_status;
  const isDown = status === "STOPPED" || status === "SUSPENDED";
  const started = enabled && isDown ? await startIfRunning(ctx, ref, status) : NOT_STARTED;
  return { ...ref, unchanged: row.enabled === enabled, ...started };
}

/**
 * Takes an instance away with its attributes; one that runs is stopped by its sentinel. Refused UNKNOWN_SERVER,
 * NO_SUCH_PROCESS, and of one that runs what its SHUTDOWN would be refused with (NOT_DYNAMIC, HAS_DEPENDENTS, BUSY).
 */
export async function removeInstance(ctx: AdminContext, target: InstanceTarget): Promise<InstanceRef> {
  const removed = await changePatiently(WHAT, async () => {
    const { ref, row } = await findInstance(ctx, target);
    const isUp = row.last_known_status !== "STOPPED" && row.last_known_status !== "SUSPENDED";
    // Its sentinel will stop it: not what others need, or what may not be stopped alone.
    if (isUp && ctx.bus !== null) await previewOperation(ctx, "shutdown", targetOf(ref));
    const key = keyOf(ref);
    const counter = { logical_machine_id: ref.serverId, logical_process_name: ref.type };
    const numbers = await ctx.gateway.find("process_number", { where: counter });
    await ctx.gateway.commit([
      ...numberWrites(numbers, [ref]),
      remove("process_attributes", key, "any"),
      remove("process_config", key, 1),
      auditRow(ctx, "process.remove", { ...ref }),
    ]);
    return ref;
  });
  await tellSentinels(ctx, [removed.server]);
  return removed;
}

async function findInstance(
  ctx: AdminContext,
  { server, type, instance }: InstanceTarget,
): Promise<{ readonly ref: InstanceRef; readonly row: Row<"process_config"> }> {
  const { id: serverId, name } = serverNamed(await readServers(ctx), server);
  const where = { logical_machine_id: serverId, logical_process_name: type };
  const rows = await ctx.gateway.find("process_config", { where });
  const row = rows.find((one) => one.logical_process_instance === instance);
  if (row !== undefined) return { ref: { server: name, serverId, type, instance }, row };
  const numbers = rows.map((one) => one.logical_process_instance).sort((a, b) => a - b);
  throw new CastellanError(
    "NO_SUCH_PROCESS",
    `there is no ${type} ${instance} on ${name}; defined: ${numbers.join(", ") || "none"}`,
    { details: { server: name, type, instance, known: numbers } },
  );
}

const keyOf = ({ serverId, type, instance }: InstanceRef) => ({
  logical_machine_id: serverId,
  logical_process_name: type,
  logical_process_instance: instance,
});

async function isDynamic({ gateway }: AdminContext, { type }: InstanceRef): Promise<boolean> {
  const [row] = await gateway.find("process_type", { where: { logical_process_name: type } });
  const read = row === undefined ? null : readDefinition(row.definition);
  return read === null || !("type" in read) || read.type.dynamic;
}

const targetOf = ({ server, type, instance }: InstanceRef): Target => ({
  server,
  type: TypeName.parse(type),
  instance,
});

type Started = Pick<InstanceChanged, "operationId" | "problem">;
const NOT_STARTED: Started = { operationId: null, problem: null };

/** It is defined, which is what was asked for: what its start is refused with is told, not thrown. */
async function startIfRunning(ctx: AdminContext, ref: InstanceRef, status: string): Promise<Started> {
  const [node] = await ctx.gateway.find("node_state", { where: { id: 1 } });
  const runs = node?.state === "RUNNING" || node?.state === "DEGRADED";
  const verb = status === "SUSPENDED" ? "restart" : "start";
  if (!runs || ctx.bus === null || (verb === "start" && !(await isDynamic(ctx, ref)))) return NOT_STARTED;
  try {
    const { operationId } = await submitOperation(ctx, verb, targetOf(ref), { timeoutMs: SUBMIT_MS });
    return { operationId, problem: null };
  } catch (thrown) {
    if (thrown instanceof CastellanError) return { operationId: null, problem: thrown.message };
    throw thrown;
  }
}

function unknownType(type: string, types: Iterable<string>): CastellanError {
  const known = [...types].sort();
  return new CastellanError(
    "UNKNOWN_TYPE",
    `there is no process type "${type}"${didYouMean(type, known)} (known: ${known.join(", ") || "none"})`,
    { details: { name: type, known } },
  );
}
