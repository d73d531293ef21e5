/** Where an attribute is set or asked for: a server, a type, an instance, each checked against what there is. */
import { CastellanError } from "@castellan/kernel";
import { didYouMean, type Target } from "@castellan/protocol";
import type { AdminContext } from "./context.ts";

/** Where a setting holds: `process_attributes`' own words for "all" are 0 and ALL. */
export interface AttributeTarget {
  readonly serverId: number;
  readonly server: string | null;
  readonly type: string | null;
  readonly instance: number | null;
}

/** Instead of a server's name: all of them. */
const ALL_SERVERS = new Set(["all", "0"]);
/** Throws UNKNOWN_SERVER, UNKNOWN_TYPE or UNKNOWN_INSTANCE, with what there is. */
export async function attributeTarget(
  ctx: Pick<AdminContext, "gateway">,
  { server, type, instance }: Target,
): Promise<AttributeTarget> {
  const servers = await ctx.gateway.find("node_cluster");
  const isAll = server === undefined || ALL_SERVERS.has(server.toLowerCase());
  const known = servers.find(
    (row) => row.physical_machine_name === server || String(row.logical_machine_id) === server,
  );
  if (!isAll && known === undefined) {
    const names = servers.map((row) => row.physical_machine_name);
    throw new CastellanError(
      "UNKNOWN_SERVER",
      `there is no server "${server}"${didYouMean(server, names)} (known: ${names.join(", ")}; "all" means every one)`,
      { details: { name: server, known: names } },
    );
  }
  const serverId = known?.logical_machine_id ?? 0;
  const place = {
    serverId,
    server: known?.physical_machine_name ?? null,
    type: type ?? null,
    instance: instance ?? null,
  };
  if (type === undefined || type === "ALL") return { ...place, type: null };
  await refuseUnknownProcess(ctx, place, type);
  return place;
}

async function refuseUnknownProcess(
  ctx: Pick<AdminContext, "gateway">,
  place: AttributeTarget,
  type: string,
): Promise<void> {
  const [types, configs] = await Promise.all([
    ctx.gateway.find("process_type"),
    ctx.gateway.find("process_config", { where: { logical_process_name: type } }),
  ]);
  const known = types.map((row) => row.logical_process_name);
  if (!known.includes(type) && configs.length === 0) {
    throw new CastellanError(
      "UNKNOWN_TYPE",
      `there is no process type "${type}"${didYouMean(type, known)} (known: ${known.join(", ")})`,
      { details: { name: type, known } },
    );
  }
  if (place.instance === null) return;
  const here = configs.filter((row) => place.serverId === 0 || row.logical_machine_id === place.serverId);
  if (here.some((row) => row.logical_process_instance === place.instance)) return;
  const numbers = [...new Set(here.map((row) => row.logical_process_instance))].sort((a, b) => a - b);
  throw new CastellanError(
    "UNKNOWN_INSTANCE",
    `there is no ${type} ${place.instance}${place.server === null ? "" : ` on ${place.server}`}; defined: ${numbers.join(", ") || "none"}`,
    { details: { type, known: numbers } },
  );
}
