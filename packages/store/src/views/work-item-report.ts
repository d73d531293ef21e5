/** A stored work item in its public form. Loads no schemas, for programs that only look. */
import type { WorkItemReport } from "@castellan/protocol";
import { ALERT_KINDS, SEVERITIES, UNFINISHED_STATES, WORK_ITEM_STATES } from "@castellan/protocol/words";
import type { Row } from "../schema/tables.ts";

/** Whether an item still waits for somebody. */
export const isUnfinished = (state: string): boolean => UNFINISHED_STATES.some((known) => known === state);

/** A row with words that nobody knows is shown all the same: its summary begins with what is wrong with it. */
export function workItemReport(row: Row<"work_item">, now: Date): WorkItemReport {
  const wrong: string[] = [];
  const wordOf = <W extends string>(words: readonly W[], column: "state" | "severity" | "kind", fallback: W): W => {
    const stored = row[column];
    const word = words.find((known) => known === stored);
    if (word === undefined) wrong.push(`${column} "${stored.slice(0, 40)}" is not known`);
    return word ?? fallback;
  };
  const state = wordOf(WORK_ITEM_STATES, "state", "new");
  const severity = wordOf(SEVERITIES, "severity", "error");
  const kind = wordOf(ALERT_KINDS, "kind", "sentinel");
  const complaint = wrong.length === 0 ? "" : `[row ${row.case_number} of work_item: ${wrong.join(", ")}] `;
  return {
    caseNumber: row.case_number,
    queue: row.queue_name,
    state,
    priority: row.priority,
    severity,
    kind,
    server: row.server_name,
    subject: row.subject,
    summary: `${complaint}${row.summary}`,
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
