/** The row of an instance that has never run. */
import type { Row } from "../schema/tables.ts";

export interface NewInstance {
  readonly serverId: number;
  readonly type: string;
  readonly instance: number;
  /** Starts with the node. Default: true. */
  readonly enabled?: boolean;
  /** Stays defined when it has ended. Default: true. */
  readonly persistent?: boolean;
}

export function newInstance({
  serverId,
  type,
  instance,
  enabled = true,
  persistent = true,
}: NewInstance): Row<"process_config"> {
  return {
    logical_machine_id: serverId,
    logical_process_name: type,
    logical_process_instance: instance,
    enabled,
    persistent,
    last_known_status: "STOPPED",
    status_comment: null,
    held: false,
    status_since: null,
    restarts: 0,
    incarnation: 0,
  };
}
