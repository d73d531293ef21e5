/** Every table of the shared schema. The documented ones keep their documented names and columns. */
import { bigint, flag, int, nullable, type RowOf, string, table, text, time } from "./columns.ts";

/** One row: which node this schema belongs to. */
const nodes = table(
  "nodes",
  { node_id: int(), node_name: string(24), dir_name: string(255) },
  { primaryKey: { name: "pk_nodes", columns: ["node_id"] } },
);

/** One row per server. Writer: administrator commands (`master`: the taking-over sentinel). */
const node_cluster = table(
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
const node_state = table(
  "node_state",
  {
    id: int(),
    epoch: bigint(),
    /** Bumped by every write of a master in its transaction: the fence. */
    fence: bigint(),
    master_id: nullable(int()),
    /** Tells the writer of an ambiguous take-over whether it was its own. */
    nonce: nullable(string(64)),
    state: string(20),
    changed_at: time(),
  },
  { primaryKey: { name: "pk_node_state", columns: ["id"] } },
);

/** What the master thinks of each server. */
const server_state = table(
  "server_state",
  { logical_machine_id: int(), state: string(20), epoch: bigint(), changed_at: time() },
  { primaryKey: { name: "pk_server_state", columns: ["logical_machine_id"] } },
);

/** Which incarnation of a server's sentinel counts. Writer: compare-and-swap by the starting worker. */
const sentinel = table(
  "sentinel",
  { logical_machine_id: int(), incarnation: bigint(), nonce: string(64), started_at: time(), last_seen_at: time() },
  { primaryKey: { name: "pk_sentinel", columns: ["logical_machine_id"] } },
);

/** Process types, as data. Writer: administrator commands. `definition` is the JSON of a ProcessType. */
const process_type = table(
  "process_type",
  { logical_process_name: string(10), definition: text(), row_version: int() },
  { primaryKey: { name: "pk_process_type", columns: ["logical_process_name"] } },
);

const instanceColumns = {
  logical_machine_id: int(),
  logical_process_name: string(10),
  logical_process_instance: int(),
};
const instanceKey = ["logical_machine_id", "logical_process_name", "logical_process_instance"] as const;

/** One row per defined instance. What should run: administrator commands; status: the sentinel of that server. */
const process_config = table(
  "process_config",
  {
    ...instanceColumns,
    enabled: flag(),
    persistent: flag(),
    last_known_status: string(20),
    status_comment: nullable(string(255)),
    /** Since when, how often restarted since the last START, and which sentinel said so. */
    status_since: nullable(time()),
    restarts: int(),
    incarnation: bigint(),
  },
  { primaryKey: { name: "pk_process_config", columns: instanceKey } },
);

const process_attributes = table(
  "process_attributes",
  { ...instanceColumns, attribute_name: string(50), attribute_value: string(1000), attribute_type: string(2) },
  { primaryKey: { name: "pk_process_attributes", columns: [...instanceKey, "attribute_name"] } },
);

const running_processes = table(
  "running_processes",
  { ...instanceColumns, process_id: int(), port_number: int() },
  { primaryKey: { name: "pk_running_processes", columns: instanceKey } },
);

/** Append-only, pruned. The id is ours: the documented table has no key. */
const process_event_log = table(
  "process_event_log",
  {
    id: string(36),
    ...instanceColumns,
    process_id: int(),
    process_status: int(),
    process_status_comment: nullable(string(255)),
    timestamp: time(),
  },
  { primaryKey: { name: "pk_process_event_log", columns: ["id"] } },
);

const active_logins = table(
  "active_logins",
  {
    user_id: string(37),
    ...instanceColumns,
    user_name: string(64),
    process_id: int(),
    filsh: int(),
    windows: int(),
    station_id: string(32),
  },
  {
    primaryKey: { name: "pk_active_logins", columns: ["user_id"] },
    indexes: [{ name: "ix_active_logins_machine", columns: ["logical_machine_id"], unique: false }],
  },
);

/** Journaled plans. The master creates; `epoch` is rewritten by every take-over. */
const operation = table(
  "operation",
  {
    id: string(36),
    request_id: string(64),
    verb: string(12),
    /** JSON of the target and the options. */
    target: text(),
    options: text(),
    requested_by: string(64),
    state: string(10),
    result_text: nullable(string(1000)),
    epoch: bigint(),
    created_at: time(),
    finished_at: nullable(time()),
  },
  {
    primaryKey: { name: "pk_operation", columns: ["id"] },
    indexes: [
      { name: "uq_operation_request", columns: ["request_id"], unique: true },
      { name: "ix_operation_state", columns: ["state"], unique: false },
    ],
  },
);

/** Steps of a plan. The master creates and readies; the executing sentinel claims and finishes its own. */
const operation_step = table(
  "operation_step",
  {
    id: string(36),
    operation_id: string(36),
    seq: int(),
    ...instanceColumns,
    desired: string(12),
    /** JSON array of ranges `[first, last]` of the seqs that must be done first. */
    depends_on: text(),
    state: string(10),
    epoch: bigint(),
    /** Travels in the environment of what the step starts. */
    launch_id: string(36),
    claimed_by: nullable(bigint()),
    claimed_at: nullable(time()),
    finished_at: nullable(time()),
    result_text: nullable(string(1000)),
  },
  {
    primaryKey: { name: "pk_operation_step", columns: ["id"] },
    indexes: [
      { name: "uq_operation_step_seq", columns: ["operation_id", "seq"], unique: true },
      { name: "ix_operation_step_state", columns: ["state", "logical_machine_id"], unique: false },
    ],
    foreignKeys: [
      { name: "fk_operation_step_op", columns: ["operation_id"], references: { table: "operation", columns: ["id"] } },
    ],
  },
);

/** Where a foreground or exclusive instance lives. Writer: the master. */
const process_placement = table(
  "process_placement",
  { logical_process_name: string(10), logical_process_instance: int(), logical_machine_id: int(), epoch: bigint() },
  { primaryKey: { name: "pk_process_placement", columns: ["logical_process_name", "logical_process_instance"] } },
);

/** Until when it may live there. Writer: the master; renewal by the holder. */
const process_grant = table(
  "process_grant",
  {
    logical_process_name: string(10),
    logical_process_instance: int(),
    logical_machine_id: int(),
    epoch: bigint(),
    incarnation: bigint(),
    /** JSON array of the members that may confirm. */
    members: text(),
    renewals: bigint(),
    revoked: flag(),
  },
  { primaryKey: { name: "pk_process_grant", columns: ["logical_process_name", "logical_process_instance"] } },
);

/** One case of procedure $SYSTEM, step SYSINFO, per cause. Writer: the desk. */
const work_item = table(
  "work_item",
  {
    case_number: bigint(),
    queue_name: string(64),
    state: string(10),
    priority: int(),
    severity: string(10),
    kind: string(12),
    server_name: string(64),
    subject: string(1024),
    summary: string(1024),
    cause: string(200),
    /** The cause while the item is open, else null: the unique index holds "one open item per cause". */
    open_cause: nullable(string(200)),
    occurrences: int(),
    first_seen: time(),
    last_seen: time(),
    locked_by: nullable(string(64)),
    assigned_to: nullable(string(64)),
    acknowledged_by: nullable(string(64)),
    silenced: flag(),
    deadline: nullable(time()),
    /** JSON of the last alert's details. */
    details: text(),
    row_version: int(),
  },
  {
    primaryKey: { name: "pk_work_item", columns: ["case_number"] },
    indexes: [
      { name: "uq_work_item_open_cause", columns: ["open_cause"], unique: true, onlyWhere: "open_cause" },
      { name: "ix_work_item_cause", columns: ["cause"], unique: false },
      { name: "ix_work_item_queue", columns: ["queue_name", "state"], unique: false },
    ],
  },
);

/** The history of every item: append-only. */
const work_item_event = table(
  "work_item_event",
  {
    case_number: bigint(),
    seq: int(),
    what: string(12),
    by_user: string(64),
    note: nullable(string(1000)),
    /** Id of the alert, for occurrences. */
    alert_id: nullable(string(64)),
    happened_at: time(),
    /** False until its event is on the bus. */
    published: flag(),
  },
  {
    primaryKey: { name: "pk_work_item_event", columns: ["case_number", "seq"] },
    indexes: [{ name: "ix_work_item_event_pub", columns: ["published"], unique: false }],
    foreignKeys: [
      {
        name: "fk_work_item_event_item",
        columns: ["case_number"],
        references: { table: "work_item", columns: ["case_number"] },
      },
    ],
  },
);

/** The last number applied of each outbox, in the transaction that applied it. Writer: the desk. */
const outbox_position = table(
  "outbox_position",
  { server_name: string(64), outbox: string(64), number: bigint() },
  { primaryKey: { name: "pk_outbox_position", columns: ["server_name", "outbox"] } },
);

/** Alerts that could not be applied, kept for people. Writer: the desk. */
const alert_dead_letter = table(
  "alert_dead_letter",
  { id: string(64), server_name: string(64), reason: string(1000), body: text(), happened_at: time() },
  { primaryKey: { name: "pk_alert_dead_letter", columns: ["id"] } },
);

/** Who did what. Append-only. Writer: `admin`. */
const audit_log = table(
  "audit_log",
  {
    id: string(36),
    happened_at: time(),
    by_user: string(64),
    /** Host the command ran on. */
    station: string(64),
    what: string(64),
    details: text(),
  },
  { primaryKey: { name: "pk_audit_log", columns: ["id"] } },
);

/** In an order in which they can be created; dropped in reverse. */
export const tables = {
  nodes,
  node_cluster,
  node_state,
  server_state,
  sentinel,
  process_type,
  process_config,
  process_attributes,
  running_processes,
  process_event_log,
  active_logins,
  operation,
  operation_step,
  process_placement,
  process_grant,
  work_item,
  work_item_event,
  outbox_position,
  alert_dead_letter,
  audit_log,
} as const;

export type Tables = typeof tables;
export type TableName = keyof Tables;
export type Row<T extends TableName> = RowOf<Tables[T]>;
