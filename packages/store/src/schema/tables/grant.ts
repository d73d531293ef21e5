/** Until when a server may run what must not run twice in the node. */
import { bigint, flag, int, nullable, string, table, text } from "../columns.ts";

/**
 * One row per server of a node with several. Writer: that server's sentinel while it is not revoked; the revocation and
 * what follows from it: the master, or a person who has made sure.
 */
export const server_grant = table(
  "server_grant",
  {
    logical_machine_id: int(),
    /** Grows when it is taken anew after a revocation; nothing of an earlier one runs any more by then. */
    generation: bigint(),
    /** Of the sentinel that renewed it last. */
    incarnation: bigint(),
    /** JSON array of the ids of the servers that may confirm it. */
    members: text(),
    /** ISOLATION_STOP_PERIOD as it holds for this grant, milliseconds. */
    period_ms: int(),
    renewals: bigint(),
    revoked: flag(),
    /** How it is certain that nothing of a revoked one runs: `waited`, `stopped`, `command` or `person`. */
    ended: nullable(string(10)),
    /** The fence command, which runs at most once for a generation: `begun`, `done` or `failed`. */
    fencing: nullable(string(10)),
  },
  { primaryKey: { name: "pk_server_grant", columns: ["logical_machine_id"] } },
);
