/** The live actors of one server's sentinel, asked of itself. */
import { CastellanError } from "@castellan/kernel";
import { Actors, type ActorsReport, didYouMean } from "@castellan/protocol";
import type { AdminContext } from "./context.ts";
import { remoteActors } from "./remote-actors.ts";

/** `server` in any case of letters. Rejects with UNKNOWN_SERVER, NOT_REACHABLE when its sentinel does not run, TIMED_OUT. */
export async function inspectActors(ctx: AdminContext, server: string, timeoutMs: number): Promise<ActorsReport> {
  const members = await ctx.gateway.find("node_cluster");
  const names = members.map(({ physical_machine_name: name }) => name);
  const name = names.find((known) => known.toLowerCase() === server.toLowerCase());
  if (name === undefined) {
    throw new CastellanError("UNKNOWN_SERVER", `there is no server ${server}${didYouMean(server, names)}`);
  }
  const window = remoteActors(ctx).remote(Actors, { host: name.toLowerCase() });
  try {
    return await window.ask<"Inspect">({ type: "Inspect" }, { timeoutMs });
  } catch (thrown) {
    if (!(thrown instanceof CastellanError) || thrown.code !== "NOT_REACHABLE" || !thrown.retryable) throw thrown;
    throw new CastellanError("NOT_REACHABLE", `no sentinel answers on ${name}: ${thrown.message}`, {
      retryable: true,
      details: { server: name },
      cause: thrown,
    });
  }
}
