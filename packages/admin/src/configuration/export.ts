/** A node's whole configuration as one value that can be written to a file, and read back by `importConfiguration`. */
import type { ProcessType, WorkQueue } from "@castellan/protocol";
import { readSpecView } from "../apply.ts";
import { CHECK_ERROR_FILES, listAttributes } from "../attributes.ts";
import type { AdminContext } from "../context.ts";

/** As `ConfigurationCopy` takes it: with durations as people write them. */
export interface ExportedConfiguration {
  readonly version: 1;
  readonly node: string;
  readonly types: Readonly<Record<string, object>>;
  readonly queues: Readonly<Record<string, object>>;
  readonly servers: Readonly<Record<string, object>>;
  readonly attributes: readonly object[];
}

/** Temporary instances are left out, and definitions that cannot be read: `problems` names these. */
export async function exportConfiguration(
  ctx: Pick<AdminContext, "gateway" | "node">,
): Promise<{ readonly configuration: ExportedConfiguration; readonly problems: readonly string[] }> {
  const [{ view }, rows, configs, attributes] = await Promise.all([
    readSpecView(ctx.gateway),
    ctx.gateway.find("node_cluster"),
    ctx.gateway.find("process_config", { where: { persistent: true } }),
    listAttributes(ctx),
  ]);
  const servers = rows.map((row): [string, object] => {
    const here = configs.filter((one) => one.logical_machine_id === row.logical_machine_id);
    const processes = here.map((one) => ({
      type: one.logical_process_name,
      instance: one.logical_process_instance,
      enabled: one.enabled,
    }));
    return [
      row.physical_machine_name,
      { comment: row.machine_comment, checkErrorFiles: row.check_error_files, processes },
    ];
  });
  const unreadable = [...view.types, ...view.queues].filter(([, definition]) => definition === null);
  return {
    configuration: {
      version: 1,
      node: ctx.node,
      types: Object.fromEntries(readable(view.types).map(([name, type]) => [name, writtenType(type)])),
      queues: Object.fromEntries(readable(view.queues).map(([name, queue]) => [name, writtenQueue(queue)])),
      servers: Object.fromEntries(servers),
      attributes: attributes.filter(({ name }) => name !== CHECK_ERROR_FILES),
    },
    problems: unreadable.map(([name]) => `the definition of ${name} cannot be read, and is left out`),
  };
}

function readable<D>(definitions: ReadonlyMap<string, D | null>): [string, D][] {
  return [...definitions].flatMap(([name, definition]): [string, D][] =>
    definition === null ? [] : [[name, definition]],
  );
}

function writtenType({ ready, stop, ...type }: ProcessType): object {
  const waits = "timeout" in ready ? { ...ready, timeout: duration(ready.timeout) } : ready;
  return { ...type, ready: waits, stop: { ...stop, grace: duration(stop.grace) } };
}

function writtenQueue({ deadlines, ...queue }: WorkQueue): object {
  const written = Object.entries(deadlines).map(([severity, ms]) => [severity, ms === null ? "none" : duration(ms)]);
  return { ...queue, deadlines: Object.fromEntries(written) };
}

const UNITS = [
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
] as const;

/** In the largest unit that leaves nothing over. */
function duration(ms: number): string {
  const unit = UNITS.find(([, length]) => ms >= length && ms % length === 0);
  return unit === undefined ? `${ms}ms` : `${ms / unit[1]}${unit[0]}`;
}
