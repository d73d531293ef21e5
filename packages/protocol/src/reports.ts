/** What the programs print as JSON: the shapes of the contract. Times are ISO 8601 in UTC, absent values null. */
import { z } from "zod";
import { AlertKind, Severity } from "./alert.ts";
import { NodeState, ProcessStatus, ServerState } from "./status.ts";
import { WORK_ITEM_STATES } from "./words.ts";

const time = z.iso.datetime();

export const ProcessReport = z.object({
  type: z.string(),
  instance: z.int(),
  status: ProcessStatus,
  enabled: z.boolean(),
  persistent: z.boolean(),
  pid: z.int().nullable(),
  since: time.nullable(),
  /** Since the last START. */
  restarts: z.int(),
  comment: z.string().nullable(),
});
export type ProcessReport = z.infer<typeof ProcessReport>;

export const ServerReport = z.object({
  id: z.int(),
  name: z.string(),
  role: z.enum(["master", "slave"]),
  state: ServerState,
  lastSeen: time.nullable(),
  /** It is missed: its processes are as it recorded them last, what they do now is unknown. */
  stale: z.boolean(),
  /** Null: this server never had one. */
  sentinel: z
    .object({
      incarnation: z.int(),
      /** Release of the program; null: 0.1.0, which did not say. */
      program: z.string().nullable(),
      since: time,
      /** Null where they are not known: only the server itself sees its processes. */
      workerPid: z.int().nullable(),
      watcherPid: z.int().nullable(),
    })
    .nullable(),
  processes: z.array(ProcessReport),
});
export type ServerReport = z.infer<typeof ServerReport>;

export const StatusReport = z.object({
  node: z.string(),
  state: NodeState,
  epoch: z.int(),
  master: z.string().nullable(),
  /** The bus could not be asked, or no sentinel has written lately: this is the last that was recorded. */
  stale: z.boolean(),
  servers: z.array(ServerReport),
});
export type StatusReport = z.infer<typeof StatusReport>;

export const WorkItemState = z.enum(WORK_ITEM_STATES);
export type WorkItemState = z.infer<typeof WorkItemState>;

export const WorkItemReport = z.object({
  caseNumber: z.int(),
  queue: z.string(),
  state: WorkItemState,
  priority: z.int(),
  severity: Severity,
  kind: AlertKind,
  server: z.string(),
  subject: z.string(),
  summary: z.string(),
  occurrences: z.int(),
  firstSeen: time,
  lastSeen: time,
  lockedBy: z.string().nullable(),
  assignedTo: z.string().nullable(),
  /** When it is to be acknowledged at the latest. */
  deadline: time.nullable(),
  /** It is unfinished, and its deadline has passed. */
  late: z.boolean(),
  acknowledgedBy: z.string().nullable(),
  /** Its deadline passed unacknowledged: it was made more urgent, or forwarded. */
  escalated: z.boolean(),
  /** Until then its cause makes no new item. Null: it is not silenced. */
  silencedUntil: time.nullable(),
});
export type WorkItemReport = z.infer<typeof WorkItemReport>;

/** `run/endpoints.json`: where a running server can be reached. No secrets. */
export const Endpoints = z.object({
  node: z.string(),
  server: z.string(),
  natsUrl: z.string(),
  databaseUrl: z.string(),
  consoleUrl: z.string().nullable(),
});
export type Endpoints = z.infer<typeof Endpoints>;

/** Data of a process event (`evt.process.>`); the subject's last token is `what`. */
export const ProcessEvent = z.object({
  server: z.string(),
  type: z.string(),
  instance: z.int(),
  what: z.enum(["starting", "running", "stopping", "stopped", "failed", "suspended", "paused", "unpaused", "adopted"]),
  pid: z.int().nullable(),
  comment: z.string(),
});
export type ProcessEvent = z.infer<typeof ProcessEvent>;

/** Data of `evt.node.state-changed`: what the master has recorded. */
export const NodeEvent = z.object({ state: NodeState, previous: NodeState, epoch: z.int() });
export type NodeEvent = z.infer<typeof NodeEvent>;

/** Data of `evt.node.server-changed`: what the master has recorded of a server. */
export const ServerEvent = z.object({
  server: z.string(),
  state: ServerState,
  previous: ServerState,
  /** Down because it was told to end. */
  inOrder: z.boolean(),
  epoch: z.int(),
});
export type ServerEvent = z.infer<typeof ServerEvent>;

/** Data of `evt.node.shutdown-notice`: the node will be stopped then. Said again when that was brought nearer, or by a new master. */
export const ShutdownNotice = z.object({ stopAt: time, inSeconds: z.int(), by: z.string() });
export type ShutdownNotice = z.infer<typeof ShutdownNotice>;

/** Data of a work-item event (`evt.workitem.>`). */
export const WorkItemEvent = z.object({ by: z.string(), note: z.string().nullable(), item: WorkItemReport });
export type WorkItemEvent = z.infer<typeof WorkItemEvent>;
