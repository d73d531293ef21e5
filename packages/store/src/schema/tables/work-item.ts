/** Work items, what has become of them, and how far each outbox has been applied. */
import { bigint, flag, int, nullable, string, table, text, time } from "../columns.ts";

/** Queues of work items, as data. Writer: administrator commands. `definition` is the JSON of a WorkQueue. */
export const work_queue = table(
  "work_queue",
  { queue_name: string(64), definition: text(), row_version: int() },
  { primaryKey: { name: "pk_work_queue", columns: ["queue_name"] } },
);

/** One case of procedure $SYSTEM, step SYSINFO, per cause. Writer: the desk. */
export const work_item = table(
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
    /** The lock: whoever works on it. `state_before` is what giving the lock up without change returns to. */
    locked_by: nullable(string(64)),
    state_before: nullable(string(10)),
    assigned_to: nullable(string(64)),
    acknowledged_by: nullable(string(64)),
    /** Until then its cause makes no new item, and this one does not escalate. */
    silenced_until: nullable(time()),
    deadline: nullable(time()),
    /** When the desk has to look at it next: the deadline, while nobody has acknowledged it. */
    due_at: nullable(time()),
    escalated: flag(),
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
      { name: "ix_work_item_due", columns: ["due_at"], unique: false },
    ],
  },
);

/** The history of every item: append-only. */
export const work_item_event = table(
  "work_item_event",
  {
    case_number: bigint(),
    seq: int(),
    what: string(12),
    by_user: string(64),
    /** Host the command came from; null when no person did it. */
    station: nullable(string(64)),
    note: nullable(string(1000)),
    /** Id of the alert, for occurrences. */
    alert_id: nullable(string(64)),
    /** Of the command: the same request is the same action. */
    request_id: nullable(string(64)),
    happened_at: time(),
    /** False until its event is on the bus. */
    published: flag(),
  },
  {
    primaryKey: { name: "pk_work_item_event", columns: ["case_number", "seq"] },
    indexes: [
      { name: "ix_work_item_event_pub", columns: ["published"], unique: false },
      { name: "uq_work_item_event_req", columns: ["request_id"], unique: true, onlyWhere: "request_id" },
    ],
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
export const outbox_position = table(
  "outbox_position",
  { server_name: string(64), outbox: string(64), last_number: bigint() },
  { primaryKey: { name: "pk_outbox_position", columns: ["server_name", "outbox"] } },
);

/** Alerts that could not be applied, kept for people. Writer: the desk. */
export const alert_dead_letter = table(
  "alert_dead_letter",
  { id: string(64), server_name: string(64), reason: string(1000), body: text(), happened_at: time() },
  {
    primaryKey: { name: "pk_alert_dead_letter", columns: ["id"] },
    indexes: [{ name: "ix_alert_dead_letter_time", columns: ["happened_at"], unique: false }],
  },
);
