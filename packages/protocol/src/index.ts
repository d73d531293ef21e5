export { ActorReport, Actors, ActorsReport } from "./actors/messages.ts";
export {
  Alert,
  AlertKind,
  AlertPhase,
  alertEventType,
  causeKey,
  isReassertion,
  NumberedAlert,
  occurrencesOf,
  Severity,
} from "./alert.ts";
export { BackupEnd, BackupHeader, BackupRow, BackupTable } from "./backup.ts";
export {
  CloudEvent,
  decodeBody,
  encodeBody,
  fromMessage,
  type HeaderMap,
  toHeaders,
  toStructured,
  traceparentOf,
} from "./cloud-event.ts";
export { ConfigurationCopy } from "./configuration-copy.ts";
export { Desk, type WorkItemReply } from "./desk/messages.ts";
export { ADMIN_QUEUE, DEFAULT_QUEUE, StoredWorkQueue, UserName, WorkQueue } from "./desk/work-queue.ts";
export { HomeConfig } from "./home-config.ts";
export type { HomeSettings, NatsSettings } from "./home-settings.ts";
export {
  Instance,
  NodeName,
  type ProcessKey,
  parseName,
  parseProcessToken,
  processLabel,
  processToken,
  ServerName,
  TypeName,
} from "./names.ts";
export { didYouMean, nearest } from "./nearest.ts";
export { isLeftUndone, undoneCode } from "./operation/left-undone.ts";
export {
  CommandReply,
  CommandRequest,
  Conductor,
  ErrorReply,
  OperationReport,
  PlanPreview,
  StepReport,
  Target,
} from "./operation/messages.ts";
export { Outbox } from "./outbox/messages.ts";
export { Keeper } from "./process/messages.ts";
export {
  ATTRIBUTE_NAMES,
  ATTRIBUTES,
  type AttributeKind,
  type AttributeName,
  attributeKind,
  checkAttribute,
} from "./process-attribute.ts";
export { findCycle } from "./process-graph.ts";
export { DEFAULT_LOGS, Dependency, NodeSpec, ProcessType, Readiness } from "./process-type.ts";
export {
  Endpoints,
  NodeEvent,
  ProcessEvent,
  ProcessReport,
  ServerEvent,
  ServerReport,
  ShutdownNotice,
  StatusReport,
  WorkItemEvent,
  WorkItemReport,
  WorkItemState,
} from "./reports.ts";
export { Heartbeat, WatcherHeartbeat, type WorkerState } from "./sentinel/heartbeat.ts";
export { LiveAnswer, LiveQuestion, type LiveWord } from "./sentinel/live.ts";
export { Sentinel, Watcher } from "./sentinel/messages.ts";
export {
  CommandVerb,
  DesiredState,
  EVENT_CODE,
  type EventCode,
  NodeState,
  OperationState,
  OperationVerb,
  ProcessStatus,
  ServerState,
  StepState,
} from "./status.ts";
export { createSubjects, type Subject, type Subjects } from "./subjects.ts";
