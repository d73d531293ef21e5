/**
 * The words of the shared schema: what a process, a node, a server, an alert and a work item can be. Plain lists without
 * schemas, for programs that only show them and should start fast; the schemas beside the messages are made of these.
 */

export const PROCESS_STATUSES = ["STARTING", "RUNNING", "PAUSED", "SUSPENDED", "SHUTTING DOWN", "STOPPED"] as const;
export const NODE_STATES = ["STARTING", "RUNNING", "DEGRADED", "SHUTTING DOWN", "STOPPED"] as const;
export const SERVER_STATES = ["up", "suspect", "down", "isolated"] as const;
export const SEVERITIES = ["info", "warning", "error", "critical"] as const;
export const ALERT_KINDS = ["error-file", "warn-file", "disk", "inode", "process", "server", "sentinel"] as const;
export const WORK_ITEM_STATES = ["new", "open", "kept", "released", "resolved"] as const;
/** The states of work items that wait for somebody. */
export const UNFINISHED_STATES = ["new", "open", "kept"] as const;
/** What a line of a work item's history says; its event carries the same word. */
export const WORK_ITEM_CHANGES = [
  "created",
  "repeated",
  "suppressed",
  "resolved",
  "opened",
  "kept",
  "undone",
  "lock-broken",
  "released",
  "forwarded",
  "noted",
  "acknowledged",
  "assigned",
  "silenced",
  "unsilenced",
  "escalated",
] as const;
export type WorkItemChange = (typeof WORK_ITEM_CHANGES)[number];
