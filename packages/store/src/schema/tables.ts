/** Every table of the shared schema, by concept in `tables/`. The documented ones keep their documented names and columns. */
import type { RowOf } from "./columns.ts";
import { server_grant } from "./tables/grant.ts";
import { member_address, node_parameter } from "./tables/installation.ts";
import { schema_move } from "./tables/move.ts";
import { node_cluster, node_state, nodes, sentinel, sentinel_program, server_state } from "./tables/node.ts";
import { forced_stop, operation, operation_step } from "./tables/operation.ts";
import { active_logins, audit_log } from "./tables/people.ts";
import {
  process_attributes,
  process_config,
  process_event_log,
  process_number,
  process_type,
  running_processes,
} from "./tables/process.ts";
import { alert_dead_letter, outbox_position, work_item, work_item_event, work_queue } from "./tables/work-item.ts";

/** In an order in which they can be created; dropped in reverse. */
export const tables = {
  nodes,
  node_cluster,
  node_state,
  server_state,
  sentinel,
  sentinel_program,
  node_parameter,
  member_address,
  process_type,
  process_config,
  process_attributes,
  running_processes,
  process_event_log,
  process_number,
  active_logins,
  operation,
  operation_step,
  forced_stop,
  server_grant,
  work_queue,
  work_item,
  work_item_event,
  outbox_position,
  alert_dead_letter,
  audit_log,
  schema_move,
} as const;

export type Tables = typeof tables;
export type TableName = keyof Tables;
export type Row<T extends TableName> = RowOf<Tables[T]>;
