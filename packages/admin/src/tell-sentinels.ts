/** Tells the sentinels that the shared configuration has changed. Best effort: without it they find out within seconds. */
import { Sentinel } from "@castellan/protocol";
import type { AdminContext } from "./context.ts";
import { remoteActors } from "./remote-actors.ts";

/** `names`: of servers; default: of every one. */
export async function tellSentinels(ctx: AdminContext, names?: readonly string[]): Promise<void> {
  if (ctx.bus === null) return;
  const actors = remoteActors(ctx);
  const hosts = names ?? (await ctx.gateway.find("node_cluster")).map((row) => row.physical_machine_name);
  for (const host of hosts) actors.remote(Sentinel, { host }).tell({ type: "Refresh" });
}
