/** Which servers belong to the node, who is master, and which sentinel of a server counts. */
import { bigint, flag, int, nullable, string, table, time } from "../columns.ts";

/** One row: which node this schema belongs to. */
export const nodes = table(
  "nodes",
  { node_id: int(), node_name: string(24), dir_name: string(255) },
  { primaryKey: { name: "pk_nodes", columns: ["node_id"] } },
);

/** One row per server. Writer: administrator commands (`master`: the taking-over sentinel). */
export const node_cluster = table(
  "node_cluster",
  {
    logical_machine_id: int(),
    physical_machine_name: string(256),
    master: flag(),
    check_error_files: flag(),
    machine_comment: nullable(string(256)),
  },
  {
    primaryKey: { name: "pk_node_cluster", columns: ["logical_machine_id"] },
    indexes: [
      { name: "uq_node_cluster_name", columns: ["physical_machine_name"], unique: true },
      // The schema itself admits at most one master.
      { name: "uq_node_cluster_master", columns: ["master"], unique: true, onlyWhere: "master" },
    ],
  },
);

/** One row (id 1): who is master, in which epoch, and the node's recorded state. Writer: compare-and-swap, then that master. */
export const node_state = table(
  "node_state",
  {
    id: int(),
    epoch: bigint(),
    /** Bumped by every write of a master in its transaction: the fence. */
    fence: bigint(),
    master_id: nullable(int()),
    /** Tells the writer of an ambiguous take-over whether it was its own. */
    nonce: nullable(string(64)),
    /** How the present epoch was taken: `planned` by a person's word, `unplanned` because the master was lost. */
    handover: string(10),
    /** The server that got mastership back once after it had been lost there; null = none since a person last moved it. */
    returned_to: nullable(int()),
    state: string(20),
    changed_at: time(),
  },
  { primaryKey: { name: "pk_node_state", columns: ["id"] } },
);

/** What the master thinks of each server. */
export const server_state = table(
  "server_state",
  { logical_machine_id: int(), state: string(20), epoch: bigint(), changed_at: time() },
  { primaryKey: { name: "pk_server_state", columns: ["logical_machine_id"] } },
);

/** Which incarnation of a server's sentinel counts. Writer: compare-and-swap by the starting worker. */
export const sentinel = table(
  "sentinel",
  {
    logical_machine_id: int(),
    incarnation: bigint(),
    nonce: string(64),
    started_at: time(),
    last_seen_at: time(),
    /** When it ended in order: nobody misses it. Null = it has not. */
    ended_at: nullable(time()),
  },
  { primaryKey: { name: "pk_sentinel", columns: ["logical_machine_id"] } },
);

/**
 * Which program a server's sentinel is. Writer: the starting worker. Release 0.1.0 writes none: a row whose incarnation is not
 * the one that counts is about a program that is there no more.
 */
export const sentinel_program = table(
  "sentinel_program",
  { logical_machine_id: int(), incarnation: bigint(), program_version: string(32) },
  { primaryKey: { name: "pk_sentinel_program", columns: ["logical_machine_id"] } },
);
