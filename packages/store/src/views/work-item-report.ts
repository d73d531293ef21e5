/** A stored work item in its public form. Loads no schemas, for programs that only look. */
import type { WorkItemReport } from "@castellan/protocol";
import { ALERT_KINDS, SEVERITIES, UNFINISHED_STATES, WORK_ITEM_STATES, wordIn } from "@castellan/protocol/words";
import type { Row } from "../schema/tables.ts";

/** Whether an item still waits for somebody. */
export const isUnfinished = (state: string): boolean => UNFINISHED_STATES.some((known) => known === state);

export function workItemReport(row: Row<"work_item">, now: Date): WorkItemReport {
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
    late: row.deadline !== null && row.deadline.getTime() < now.getTime() && isUnfinished(row.state),
    acknowledgedBy: row.acknowledged_by,
    escalated: row.escalated,
    silencedUntil: isAfter(row.silenced_until, now) ? row.silenced_until.toISOString() : null,
  };
}

const isAfter = (time: Date | null, now: Date): time is Date => time !== null && time.getTime() > now.getTime();
