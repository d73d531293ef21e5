/** A change of a process's status, as the rows of the shared schema have it. */
import type { IdSource } from "@castellan/kernel";
import { EVENT_CODE, type EventCode, type ProcessKey, type ProcessStatus } from "@castellan/protocol";
import { insert, type Row, remove, update, type Write } from "@castellan/store";
import type { SentinelIdentity } from "../ports.ts";

export interface StatusChange {
  readonly key: ProcessKey;
  readonly status: ProcessStatus;
  readonly comment: string;
  /** To be started by the master when what it depends on is ready again. */
  readonly held: boolean;
  readonly since: Date | null;
  readonly restarts: number;
  /** The row in `running_processes`; null = none. */
  readonly pid: number | null;
  /** A line for `process_event_log`. */
  readonly event: {
    /** Written once under this id, however often it comes; default: a new one. */
    readonly id?: string;
    readonly code: EventCode;
    readonly pid: number;
    readonly comment: string;
  } | null;
}

const placeOf = (key: ProcessKey, serverId: number) => ({
  logical_machine_id: serverId,
  logical_process_name: key.type,
  logical_process_instance: key.instance,
});

/** The same rows however often they are written. */
export function statusWrites(
  change: StatusChange,
  { serverId, incarnation }: Pick<SentinelIdentity, "serverId" | "incarnation">,
): Write[] {
  const place = placeOf(change.key, serverId);
  const status = {
    last_known_status: change.status,
    status_comment: cut(change.comment),
    held: change.held,
    status_since: change.since,
    restarts: change.restarts,
    incarnation,
  };
  const { pid } = change;
  return [
    update("process_config", place, status, "any"), // a row deleted meanwhile is nobody's loss
    remove("running_processes", place),
    ...(pid === null ? [] : [insert("running_processes", { ...place, process_id: pid, port_number: 0 })]),
  ];
}

/** A line for `process_event_log`. */
export function eventRow(
  key: ProcessKey,
  event: NonNullable<StatusChange["event"]>,
  { serverId, newId, now }: { readonly serverId: number; readonly newId: IdSource; readonly now: Date },
): Row<"process_event_log"> {
  return {
    id: event.id ?? newId(),
    ...placeOf(key, serverId),
    process_id: event.pid,
    process_status: event.code,
    process_status_comment: cut(event.comment),
    timestamp: now,
    followed: event.code !== EVENT_CODE.died,
  };
}

/** As the column takes it; empty is null, as some databases have it. */
function cut(comment: string): string | null {
  const oneLine = comment.replace(/\s+/g, " ").trim();
  // Not in the middle of a character.
  return oneLine === "" ? null : oneLine.slice(0, 255).replace(/[\uD800-\uDBFF]$/, "");
}
