/** Work items as an administrator sees them. */
import { CastellanError } from "@castellan/kernel";
import type { WorkItemReport } from "@castellan/protocol";
import { ALERT_KINDS, SEVERITIES, WORK_ITEM_STATES, wordIn } from "@castellan/protocol/words";
import type { Row } from "@castellan/store";
import type { AdminContext } from "./context.ts";

/** States in which an item waits for somebody. */
const UNFINISHED = ["new", "open", "kept"] as const;

export interface WorkItemHistoryEntry {
  readonly what: string;
  readonly by: string;
  readonly note: string | null;
  /** Id of the alert that caused it, if one did. */
  readonly alertId: string | null;
  readonly at: string;
}

export interface WorkItemDetail {
  readonly item: WorkItemReport;
  /** Oldest first. */
  readonly history: readonly WorkItemHistoryEntry[];
  /** The last alert's. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** The unfinished items, or all that are kept; oldest first. */
export async function listWorkItems(
  ctx: Pick<AdminContext, "gateway">,
  { all = false }: { readonly all?: boolean } = {},
): Promise<WorkItemReport[]> {
  const rows = await ctx.gateway.find("work_item", {
    ...(all ? {} : { where: { state: { in: UNFINISHED } } }),
    orderBy: [{ column: "case_number" }],
  });
  return rows.map(workItemReport);
}

/** One item with its history. Rejects with NO_SUCH_ITEM. */
export async function showWorkItem(ctx: Pick<AdminContext, "gateway">, caseNumber: number): Promise<WorkItemDetail> {
  const [[row], events] = await Promise.all([
    ctx.gateway.find("work_item", { where: { case_number: caseNumber } }),
    ctx.gateway.find("work_item_event", { where: { case_number: caseNumber }, orderBy: [{ column: "seq" }] }),
  ]);
  if (!row) throw new CastellanError("NO_SUCH_ITEM", `there is no work item ${caseNumber}`);
  return {
    item: workItemReport(row),
    history: events.map((event) => ({
      what: event.what,
      by: event.by_user,
      note: event.note,
      alertId: event.alert_id,
      at: event.happened_at.toISOString(),
    })),
    details: detailsOf(row.details),
  };
}

/** The report of a row. Pure. */
export function workItemReport(row: Row<"work_item">): WorkItemReport {
  return {
    caseNumber: row.case_number,
    queue: row.queue_name,
    state: wordIn(WORK_ITEM_STATES, row.state),
    priority: row.priority,
    severity: wordIn(SEVERITIES, row.severity),
    kind: wordIn(ALERT_KINDS, row.kind),
    server: row.server_name,
    subject: row.subject,
    summary: row.summary,
    occurrences: row.occurrences,
    firstSeen: row.first_seen.toISOString(),
    lastSeen: row.last_seen.toISOString(),
    lockedBy: row.locked_by,
    assignedTo: row.assigned_to,
    deadline: row.deadline?.toISOString() ?? null,
  };
}

function detailsOf(json: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null ? { ...value } : { value };
  } catch {
    return { text: json };
  }
}
