export { type ActOptions, actOnWorkItem, retryDeadLetter, type WorkItemAction } from "./act-on-work-item.ts";
export { applySpec } from "./apply.ts";
export {
  type AttributeChange,
  type AttributeSetting,
  type EffectiveAttribute,
  effectiveAttributes,
  listAttributes,
  setAttribute,
  unsetAttribute,
} from "./attributes.ts";
export { type AuditEntry, type AuditQuery, readAuditLog } from "./audit-log.ts";
export {
  type AttributeRowChange,
  type ConfigurationDifference,
  type ProcessChange,
  type ServerChange,
  sizeOf,
} from "./configuration/difference.ts";
export { type ExportedConfiguration, exportConfiguration } from "./configuration/export.ts";
export { importConfiguration } from "./configuration/import.ts";
export { type AdminContext, type BusMessage, type BusPort, requireBus } from "./context.ts";
export { diagnose } from "./diagnose.ts";
export type { DiagnosedFacts } from "./diagnosed-facts.ts";
export {
  type DependencyState,
  type Explanation,
  explain,
  type InstanceExplanation,
} from "./explain.ts";
export { type Fenced, fenceServer } from "./fence.ts";
export { findInstances, type InstanceOnServer } from "./find-instances.ts";
export type { Finding, Verdict } from "./finding.ts";
export { type AlertEvent, followAlerts } from "./follow-alerts.ts";
export { type Announced, announceStop, type ForcedStop, operationOf, readForcedStop } from "./forced-stop.ts";
export { announceGoingDown, announceStaying, goingDown } from "./going-down.ts";
export { inspectActors } from "./inspect-actors.ts";
export {
  announceLeaving,
  type Departure,
  departureOf,
  hasLeftBus,
  joinServer,
  recordInCommon,
  recordTrustRoot,
  refuseSchemaInUse,
  refuseToLeave,
  refuseToUninstall,
} from "./installation.ts";
export {
  addInstance,
  type InstanceChanged,
  type InstanceRef,
  type InstanceTarget,
  removeInstance,
  setInstanceEnabled,
} from "./instances.ts";
export { dumpLog, type OutputPart, type OutputReader, remoteOutput } from "./logs.ts";
export {
  findMaster,
  type MasterSet,
  type Mastership,
  type Recovered,
  recoverEpoch,
  setMaster,
} from "./mastership.ts";
export { previewOperation } from "./preview-operation.ts";
export { type ProcessWords, processWords } from "./process-words.ts";
export { remoteActors } from "./remote-actors.ts";
export { type SelectedProcess, selectProcesses } from "./select-processes.ts";
export { addServer, listServers, moveServer, removeServer, type ServerEntry, type ServerRef } from "./servers.ts";
export { checkSpec, type SpecProblem } from "./spec-check.ts";
export { type Difference, diffSpec, isEmpty, MASTER_ALIAS, type QueueChange, type TypeChange } from "./spec-diff.ts";
export type { InstanceChange, SpecView } from "./spec-view.ts";
export { type SubmitOptions, submitOperation } from "./submit-operation.ts";
export { type EventTest, testEventsEverywhere } from "./test-events.ts";
export { type BackupOnRecord, lastBackup, recordBackup } from "./upgrade/backup.ts";
export { awaitMaster, exchangeServer, recordUpgrade } from "./upgrade/exchange.ts";
export { readMembers, type UpgradeMember } from "./upgrade/members.ts";
export {
  planUpgrade,
  type UpgradeFacts,
  type UpgradePlan,
  type UpgradeServer,
  type UpgradeStep,
} from "./upgrade/plan.ts";
export { operationReport, readOperation, watchOperation } from "./watch-operation.ts";
