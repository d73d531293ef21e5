/** Makes a node as a spec says: one commit with its audit row, guarded by what was read; tried again when that changed. */
import { CastellanError } from "@castellan/kernel";
import type { NodeSpec } from "@castellan/protocol";
import {
  type Gateway,
  insert,
  newInstance,
  type Row,
  readDefinition,
  readQueue,
  remove,
  update,
  type Write,
  writeDefinition,
  writeQueue,
} from "@castellan/store";
import { auditRow } from "./audit.ts";
import { changePatiently } from "./change-patiently.ts";
import type { AdminContext } from "./context.ts";
import { numberWrites } from "./instance-number.ts";
import { checkSpec, type SpecProblem } from "./spec-check.ts";
import { type Difference, diffSpec, isEmpty, type QueueChange, type TypeChange } from "./spec-diff.ts";
import type { InstanceChange, SpecView } from "./spec-view.ts";
import { tellSentinels } from "./tell-sentinels.ts";

/**
 * Applies a spec and answers what was changed; with `dryRun` what would be. Refuses with the code of what is wrong
 * (CYCLE, UNKNOWN_TYPE, UNKNOWN_SERVER, ...; `details.problems` lists everything), CHANGING when others keep changing the
 * same definitions. Sentinels are told at once; those that cannot be reached read the change within seconds.
 */
export async function applySpec(
  ctx: AdminContext,
  spec: NodeSpec,
  options: { readonly dryRun?: boolean } = {},
): Promise<Difference> {
  return await changePatiently("the same definitions", async () => {
    const { view, ...versions } = await readSpecView(ctx.gateway);
    const difference = diffSpec(view, spec);
    const problems = checkSpec(view, spec, difference);
    if (problems.length > 0) throw refusal(problems);
    if (options.dryRun || isEmpty(difference)) return difference;
    await ctx.gateway.commit(writesOf(ctx, difference, versions));
    await tellSentinels(ctx);
    return difference;
  });
}

export interface SpecRead {
  readonly view: SpecView;
  /** Row version of every stored type. */
  readonly versions: ReadonlyMap<string, number>;
  readonly queueVersions: ReadonlyMap<string, number>;
  readonly numbers: readonly Row<"process_number">[];
}

export async function readSpecView(gateway: Gateway): Promise<SpecRead> {
  const [state, servers, types, instances, queues, numbers] = await Promise.all([
    gateway.find("node_state", { where: { id: 1 } }),
    gateway.find("node_cluster", { orderBy: [{ column: "logical_machine_id" }] }),
    gateway.find("process_type"),
    gateway.find("process_config"),
    gateway.find("work_queue"),
    gateway.find("process_number"),
  ]);
  return {
    view: {
      masterId: state[0]?.master_id ?? null,
      servers: servers.map((row) => ({ id: row.logical_machine_id, name: row.physical_machine_name })),
      types: new Map(
        types.map((row) => {
          const read = readDefinition(row.definition);
          return [row.logical_process_name, "type" in read ? read.type : null];
        }),
      ),
      instances: instances.map((row) => ({
        serverId: row.logical_machine_id,
        type: row.logical_process_name,
        instance: row.logical_process_instance,
        persistent: row.persistent,
      })),
      lastNumbers: new Map(
        numbers.map((row) => [`${row.logical_machine_id}/${row.logical_process_name}`, row.last_instance]),
      ),
      queues: new Map(queues.map((row) => [row.queue_name, readQueue(row.definition)])),
    },
    versions: new Map(types.map((row) => [row.logical_process_name, row.row_version])),
    numbers,
    queueVersions: new Map(queues.map((row) => [row.queue_name, row.row_version])),
  };
}

function refusal(problems: readonly SpecProblem[]): CastellanError {
  const message = problems.map((problem) => problem.message).join("\n");
  return new CastellanError(problems[0]?.code ?? "REFUSED", message, { details: { problems } });
}

type Versions = Omit<SpecRead, "view">;

function writesOf(ctx: AdminContext, difference: Difference, { versions, queueVersions, numbers }: Versions): Write[] {
  return [
    ...difference.types.map((type) => typeWrite(type, versions.get(type.name) ?? 0)),
    ...difference.instances.flatMap(instanceWrites),
    ...numberWrites(numbers, difference.instances),
    ...difference.queues.map((queue) => queueWrite(queue, queueVersions.get(queue.name) ?? 0)),
    auditRow(ctx, "spec.apply", {
      types: difference.types.map(({ name, change, fields }) => ({ name, change, fields })),
      instances: difference.instances.map(({ server, type, instance, change }) => ({ server, type, instance, change })),
      queues: difference.queues.map(({ name, change, fields }) => ({ name, change, fields })),
    }),
  ];
}

export function typeWrite({ name, change, definition }: TypeChange, version: number): Write {
  const text = writeDefinition(definition);
  return change === "added"
    ? insert("process_type", { logical_process_name: name, definition: text, row_version: 1 })
    : update(
        "process_type",
        { logical_process_name: name, row_version: version },
        { definition: text, row_version: version + 1 },
      );
}

export function queueWrite({ name, change, definition }: QueueChange, version: number): Write {
  const text = writeQueue(definition);
  return change === "added"
    ? insert("work_queue", { queue_name: name, definition: text, row_version: 1 })
    : update("work_queue", { queue_name: name, row_version: version }, { definition: text, row_version: version + 1 });
}

function instanceWrites({ serverId, type, instance, change }: InstanceChange): Write[] {
  if (change === "added") return [insert("process_config", newInstance({ serverId, type, instance }))];
  const key = { logical_machine_id: serverId, logical_process_name: type, logical_process_instance: instance };
  // With the row go its attributes: they would otherwise wait for whoever gets the number next.
  return [remove("process_attributes", key, "any"), remove("process_config", key, 1)];
}
