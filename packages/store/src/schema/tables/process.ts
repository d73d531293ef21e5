/** What should run, what does run, where it may, and what has happened to it. */
import { bigint, flag, int, nullable, string, table, text, time } from "../columns.ts";
import { instanceColumns, instanceKey } from "./instance.ts";

/** Process types, as data. Writer: administrator commands. `definition` is the JSON of a ProcessType. */
export const process_type = table(
  "process_type",
  { logical_process_name: string(10), definition: text(), row_version: int() },
  { primaryKey: { name: "pk_process_type", columns: ["logical_process_name"] } },
);

/** One row per defined instance. What should run: administrator commands; status: the sentinel of that server. */
export const process_config = table(
  "process_config",
  {
    ...instanceColumns,
    enabled: flag(),
    persistent: flag(),
    last_known_status: string(20),
    status_comment: nullable(string(255)),
    /** Not running, and to be started by the master when what it depends on is ready again. */
    held: flag(),
    /** Since when, how often restarted since the last START, and which sentinel said so. */
    status_since: nullable(time()),
    restarts: int(),
    incarnation: bigint(),
  },
  { primaryKey: { name: "pk_process_config", columns: instanceKey } },
);

export const process_attributes = table(
  "process_attributes",
  { ...instanceColumns, attribute_name: string(50), attribute_value: string(1000), attribute_type: string(2) },
  { primaryKey: { name: "pk_process_attributes", columns: [...instanceKey, "attribute_name"] } },
);

export const running_processes = table(
  "running_processes",
  { ...instanceColumns, process_id: int(), port_number: int() },
  { primaryKey: { name: "pk_running_processes", columns: instanceKey } },
);

/** Append-only, pruned. The id is ours: the documented table has no key. */
export const process_event_log = table(
  "process_event_log",
  {
    id: string(36),
    ...instanceColumns,
    process_id: int(),
    process_status: int(),
    process_status_comment: nullable(string(255)),
    timestamp: time(),
    /** False while the master has not yet seen to the dependents of what died here. Writer: the sentinel, then the master. */
    followed: flag(),
  },
  {
    primaryKey: { name: "pk_process_event_log", columns: ["id"] },
    indexes: [
      { name: "ix_process_event_log_follow", columns: ["followed"], unique: false },
      { name: "ix_process_event_log_time", columns: ["timestamp"], unique: false },
    ],
  },
);

/**
 * The highest instance number ever given to a temporary instance: freed numbers are not used again. Writer: the master. One row of
 * server 0 holds the highest id of a server that was taken out (`server-id.ts`).
 */
export const process_number = table(
  "process_number",
  { logical_machine_id: int(), logical_process_name: string(10), last_instance: int() },
  { primaryKey: { name: "pk_process_number", columns: ["logical_machine_id", "logical_process_name"] } },
);
