/** Journaled plans and their steps. */
import { bigint, int, nullable, string, table, text, time } from "../columns.ts";
import { instanceColumns } from "./instance.ts";

/** Journaled plans. The master creates; `epoch` is rewritten by every take-over. */
export const operation = table(
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
      { name: "ix_operation_finished", columns: ["finished_at"], unique: false },
    ],
  },
);

/** Steps of a plan. The master creates and readies; the executing sentinel claims and finishes its own. */
export const operation_step = table(
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

/** At most one row (id 1): a stop of the whole node that is announced, and when it comes. Writer: administrator commands; the master takes it away. */
export const forced_stop = table(
  "forced_stop",
  { id: int(), request_id: string(64), requested_by: string(64), stop_at: time() },
  { primaryKey: { name: "pk_forced_stop", columns: ["id"] } },
);
