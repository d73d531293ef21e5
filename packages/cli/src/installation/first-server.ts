/**
 * The rows of a server that `init` or its first `up` brings to its node: the first one makes the schema, records what all must
 * have in common, and says where it is reached; another one is compared with that.
 */
import type { AdminContext } from "@castellan/admin";
import { agreeOnParameters, homePaths, recordAddress } from "@castellan/daemon";
import type { HomeSettings } from "@castellan/protocol";
import { bootstrapNode } from "@castellan/store";

/** Throws NODE_MISMATCH, PARAMETERS_DIFFER. */
export async function recordServer(ctx: AdminContext, settings: HomeSettings): Promise<{ readonly serverId: number }> {
  const { gateway, clock, newId } = ctx;
  const { home, node, server } = settings;
  const { serverId } = await bootstrapNode(gateway, { node, dirName: home.slice(-255), server, clock });
  await agreeOnParameters({ gateway, settings, paths: homePaths(home), newId });
  await recordAddress(gateway, serverId, settings);
  return { serverId };
}
