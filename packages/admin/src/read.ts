/** The door of those who only look: what is behind it reads the schema, and loads neither schemas nor actors nor the bus. */
export { type SentinelHere, STALE_AFTER_MS, status, statusReport } from "./status.ts";
export {
  type Advice,
  type DeadLetter,
  type ListOptions,
  listDeadLetters,
  listWorkItems,
  showWorkItem,
  type WorkItemDetail,
  type WorkItemHistoryEntry,
  workItemReport,
} from "./work-items.ts";
