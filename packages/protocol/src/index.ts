export {
  Alert,
  AlertKind,
  AlertPhase,
  alertEventType,
  causeKey,
  NumberedAlert,
  occurrencesOf,
  Severity,
} from "./alert.ts";
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
export { Desk } from "./desk/messages.ts";
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
export {
  CommandReply,
  CommandRequest,
  Conductor,
  ErrorReply,
  OperationReport,
  StepReport,
  Target,
} from "./operation/messages.ts";
export { Outbox } from "./outbox/messages.ts";
export { Keeper } from "./process/messages.ts";
export { findCycle } from "./process-graph.ts";
export { Dependency, NodeSpec, ProcessType, Readiness } from "./process-type.ts";
export {
  Endpoints,
  NodeEvent,
  ProcessEvent,
  ProcessReport,
  ServerReport,
  StatusReport,
  WorkItemEvent,
  WorkItemReport,
  WorkItemState,
} from "./reports.ts";
export { Sentinel } from "./sentinel/messages.ts";
export {
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
