/** Makes a node as a copy of a configuration says: one commit, guarded by what was read; with `dryRun` only the difference. */
import { CastellanError } from "@castellan/kernel";
import type { ConfigurationCopy } from "@castellan/protocol";
import { insert, lastServerId, newInstance, remove, update, type Write } from "@castellan/store";
import { queueWrite, readSpecView, type SpecRead, typeWrite } from "../apply.ts";
import { auditRow } from "../audit.ts";
import { changePatiently } from "../change-patiently.ts";
import type { AdminContext } from "../context.ts";
import { numberWrites } from "../instance-number.ts";
import { newServerWrites } from "../servers.ts";
import { tellSentinels } from "../tell-sentinels.ts";
import {
  type AttributeRowChange,
  type ConfigurationDifference,
  type ConfigurationView,
  checkConfiguration,
  diffConfiguration,
  type ProcessChange,
  sizeOf,
} from "./difference.ts";

/**
 * Answers what was changed, or would be. What was removed and runs is stopped by its sentinel; what was added starts with the
 * node. Refused as a whole with the code of what is wrong (`details.problems` lists everything), CHANGING.
 */
export async function importConfiguration(
  ctx: AdminContext,
  copy: ConfigurationCopy,
  { dryRun = false }: { readonly dryRun?: boolean } = {},
): Promise<ConfigurationDifference> {
  return await changePatiently("the configuration", async () => {
    const { view, ...versions } = await readSpecView(ctx.gateway);
    const [servers, configs, attributes, numbers] = await Promise.all([
      ctx.gateway.find("node_cluster"),
      ctx.gateway.find("process_config"),
      ctx.gateway.find("process_attributes"),
      ctx.gateway.find("process_number"),
    ]);
    const last = await lastServerId(ctx.gateway);
    const now: ConfigurationView = { view, servers, configs, attributes, numbers, lastServerId: last };
    const difference = diffConfiguration(now, copy);
    const problems = checkConfiguration(now, copy, difference);
    const [first] = problems;
    if (first !== undefined) {
      const message = problems.map((problem) => problem.message).join("\n");
      throw new CastellanError(first.code, message, { details: { problems } });
    }
    if (dryRun || sizeOf(difference) === 0) return difference;
    await ctx.gateway.commit(writesOf(ctx, now, difference, versions));
    await tellSentinels(ctx);
    return difference;
  });
}

function writesOf(
  ctx: AdminContext,
  now: ConfigurationView,
  difference: ConfigurationDifference,
  { versions, queueVersions }: Omit<SpecRead, "view">,
): Write[] {
  return [
    ...difference.servers.flatMap((server) =>
      server.change === "added"
        ? newServerWrites(ctx, server, server.comment, server.checkErrorFiles)
        : [
            update(
              "node_cluster",
              { logical_machine_id: server.id, physical_machine_name: server.name },
              { machine_comment: server.comment, check_error_files: server.checkErrorFiles },
            ),
          ],
    ),
    ...difference.types.map((type) => typeWrite(type, versions.get(type.name) ?? 0)),
    ...difference.queues.map((queue) => queueWrite(queue, queueVersions.get(queue.name) ?? 0)),
    ...difference.attributes.map(attributeWrite),
    ...difference.processes.flatMap(processWrites),
    ...numberWrites(now.numbers, difference.processes),
    auditRow(ctx, "config.import", {
      servers: difference.servers.map(({ name, change }) => ({ name, change })),
      types: difference.types.map(({ name, change, fields }) => ({ name, change, fields })),
      queues: difference.queues.map(({ name, change, fields }) => ({ name, change, fields })),
      processes: difference.processes.map(({ server, type, instance, change }) => ({ server, type, instance, change })),
      attributes: difference.attributes,
    }),
  ];
}

function attributeWrite({ serverId, type, instance, name, before, after }: AttributeRowChange): Write {
  const key = {
    logical_machine_id: serverId,
    logical_process_name: type,
    logical_process_instance: instance,
    attribute_name: name,
  };
  if (after === null) return remove("process_attributes", key, 1);
  if (before === null) return insert("process_attributes", { ...key, attribute_value: after, attribute_type: "I" });
  return update("process_attributes", { ...key, attribute_value: before }, { attribute_value: after });
}

function processWrites({ serverId, type, instance, change }: ProcessChange): Write[] {
  const key = { logical_machine_id: serverId, logical_process_name: type, logical_process_instance: instance };
  switch (change) {
    case "added":
      return [insert("process_config", newInstance({ serverId, type, instance }))];
    case "removed":
      return [remove("process_attributes", key, "any"), remove("process_config", key, 1)];
    case "enabled":
    case "disabled":
      return [update("process_config", key, { enabled: change === "enabled" })];
  }
}
