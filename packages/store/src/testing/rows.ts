/** Rows to test with: small typed builders, and one row of any table with its columns at an extreme. */
import { asRow, tableOf } from "../schema/checked.ts";
import type { Column } from "../schema/columns.ts";
import type { Row, TableName } from "../schema/tables.ts";
import type { Value } from "../schema/values.ts";

export const NOON = new Date("2026-11-22T12:00:00.123Z");

export function serverRow(id: number, over: Partial<Row<"node_cluster">> = {}): Row<"node_cluster"> {
  return {
    logical_machine_id: id,
    physical_machine_name: `server-${id}`,
    master: false,
    check_error_files: true,
    machine_comment: null,
    ...over,
  };
}

export function nodeStateRow(over: Partial<Row<"node_state">> = {}): Row<"node_state"> {
  return {
    id: 1,
    epoch: 0,
    fence: 0,
    master_id: null,
    nonce: null,
    handover: "planned",
    returned_to: null,
    state: "STOPPED",
    changed_at: NOON,
    ...over,
  };
}

export function operationRow(id: string, over: Partial<Row<"operation">> = {}): Row<"operation"> {
  return {
    id,
    request_id: `request-${id}`,
    verb: "start",
    target: "{}",
    options: "{}",
    requested_by: "someone",
    state: "open",
    result_text: null,
    epoch: 1,
    created_at: NOON,
    finished_at: null,
    ...over,
  };
}

export function stepRow(id: string, operationId: string, seq: number): Row<"operation_step"> {
  return {
    id,
    operation_id: operationId,
    seq,
    logical_machine_id: 1,
    logical_process_name: "WIS",
    logical_process_instance: 1,
    desired: "RUNNING",
    depends_on: "[]",
    state: "pending",
    epoch: 1,
    launch_id: id,
    claimed_by: null,
    claimed_at: null,
    finished_at: null,
    result_text: null,
  };
}

export function itemRow(caseNumber: number, over: Partial<Row<"work_item">> = {}): Row<"work_item"> {
  return {
    case_number: caseNumber,
    queue_name: "swadmin",
    state: "new",
    priority: 50,
    severity: "error",
    kind: "disk",
    server_name: "hades",
    subject: "/var",
    summary: "little space left on /var",
    cause: "disk/hades//var/1",
    open_cause: null,
    occurrences: 1,
    first_seen: NOON,
    last_seen: NOON,
    locked_by: null,
    state_before: null,
    assigned_to: null,
    acknowledged_by: null,
    silenced_until: null,
    deadline: null,
    due_at: null,
    escalated: false,
    details: "{}",
    row_version: 1,
    ...over,
  };
}

export type Extreme = "low" | "high" | "null";

/** Every column at an end of what it takes; `null` where it may be, else as `low`. Strings hold what tends to be mangled. */
export function extremeRow<T extends TableName>(table: T, extreme: Extreme): Row<T> {
  const columns = Object.entries(tableOf(table).columns);
  return asRow(table, Object.fromEntries(columns.map(([name, column]) => [name, extremeValue(column, extreme)])));
}

const AWKWARD = "'\"`\\;--%_?$1:x@y{}\r\n\t äß€ 日本 👩‍🚀 ";

function extremeValue(column: Column, extreme: Extreme): Value {
  if (extreme === "null" && column.nullable) return null;
  const high = extreme === "high";
  switch (column.kind) {
    case "string":
      return high
        ? AWKWARD.repeat(100)
            .slice(0, column.length)
            .replace(/\p{Surrogate}$/u, "!")
        : "x";
    case "text":
      return high ? AWKWARD.repeat(1000) : "{}";
    case "int":
      return high ? 2 ** 31 - 1 : -(2 ** 31 - 1);
    case "bigint":
      return high ? Number.MAX_SAFE_INTEGER : Number.MIN_SAFE_INTEGER;
    case "flag":
      return high;
    case "time":
      return new Date(high ? "9999-12-31T23:59:59.999Z" : "0001-01-01T00:00:00.001Z");
  }
}
