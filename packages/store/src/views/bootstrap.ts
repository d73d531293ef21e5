/** A sentinel's first look at the schema: its node and its server are there afterwards, whoever else does the same. */
import { CastellanError, type Clock } from "@castellan/kernel";
import { StoreUnavailable } from "../errors.ts";
import { type Gateway, insertIfAbsent } from "../gateway.ts";
import { lastServerId } from "./server-id.ts";

export interface BootstrapOptions {
  readonly node: string;
  /** The home directory, for people; `nodes.dir_name`. */
  readonly dirName: string;
  readonly server: string;
  readonly clock: Pick<Clock, "now">;
}

/** How many servers may claim the same free id at the same moment before one gives up. */
const ATTEMPTS = 64;

/**
 * Inserts what is absent of `nodes`, `node_state`, `node_cluster` and `server_state`; changes nothing that is there.
 * Throws `NODE_MISMATCH` when the schema belongs to another node (names compare without case, as subjects do).
 */
export async function bootstrapNode(gateway: Gateway, options: BootstrapOptions): Promise<{ serverId: number }> {
  const { node, server } = options;
  await refuseOtherNode(gateway, node);
  const now = options.clock.now();
  await gateway.commit([
    insertIfAbsent("nodes", { node_id: 1, node_name: node, dir_name: options.dirName }),
    insertIfAbsent("node_state", {
      id: 1,
      epoch: 0,
      fence: 0,
      master_id: null,
      nonce: null,
      handover: "planned",
      returned_to: null,
      state: "STOPPED",
      changed_at: now,
    }),
  ]);
  // Another node may have come first between the look and the insert.
  await refuseOtherNode(gateway, node);

  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const [known] = await gateway.find("node_cluster", { where: { physical_machine_name: server } });
    if (known !== undefined) {
      const serverId = known.logical_machine_id;
      await gateway.commit([serverDown(serverId, now)]);
      return { serverId };
    }
    const last = await lastServerId(gateway);
    // Taken meanwhile, by id or by name: look again.
    await gateway.commit([
      insertIfAbsent("node_cluster", {
        logical_machine_id: last + 1,
        physical_machine_name: server,
        master: false,
        check_error_files: true,
        machine_comment: null,
      }),
    ]);
  }
  throw new StoreUnavailable(`no free server id for ${server} after ${ATTEMPTS} attempts`);
}

const serverDown = (serverId: number, now: Date): ReturnType<typeof insertIfAbsent> =>
  insertIfAbsent("server_state", { logical_machine_id: serverId, state: "down", epoch: 0, changed_at: now });

async function refuseOtherNode(gateway: Gateway, node: string): Promise<void> {
  const [stored] = await gateway.find("nodes", { limit: 1 });
  if (stored === undefined || stored.node_name.toLowerCase() === node.toLowerCase()) return;
  throw new CastellanError(
    "NODE_MISMATCH",
    `this schema belongs to node ${stored.node_name}, not to ${node}: set the node's name, or give it a database of its own`,
    { details: { stored: stored.node_name, asked: node } },
  );
}
