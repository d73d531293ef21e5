/** What the servers of a node were installed with. */
import { flag, int, nullable, string, table } from "../columns.ts";

/** What must be equal on every server: recorded when the schema is made, compared by every sentinel that starts. Writer: the first server, and the only one. */
export const node_parameter = table(
  "node_parameter",
  { name: string(32), value: string(1000) },
  { primaryKey: { name: "pk_node_parameter", columns: ["name"] } },
);

/** One row per server that has run: where others reach its bus. Writer: that server's sentinel; `leaving`, administrator commands; the master takes it away then. */
export const member_address = table(
  "member_address",
  {
    logical_machine_id: int(),
    /** Addresses of NATS for clients; null: nobody else reaches it. */
    client_address: nullable(string(1000)),
    /** `HOST:PORT` at which its NATS server meets the others; null: it keeps none that does. */
    cluster_address: nullable(string(256)),
    /** It is to leave the node: the events are moved away from it, then the row goes. */
    leaving: flag(),
  },
  { primaryKey: { name: "pk_member_address", columns: ["logical_machine_id"] } },
);
