/**
 * What one alert does to the work items: a pure function.
 *
 * | alert                 | open item of its cause | its cause is silenced, none open   | no open item                     |
 * |-----------------------|------------------------|------------------------------------|----------------------------------|
 * | raised                | one more occurrence    | one more occurrence of the old one | a new item                       |
 * | repeated              | one more occurrence    | one more occurrence of the old one | a new item: it is still going on |
 * | repeated (reasserted) | nothing: it is known   | nothing                            | a new item: it is still going on |
 * | resolved              | closed as `resolved`   | nothing                            | nothing                          |
 *
 * W1 At most one item of a cause is open. W2 Severity only grows while it is open. W3 Every change adds one line of
 * history under the item's new version, so the version is also the line's number.
 */
import { ADMIN_QUEUE, isReassertion, type NumberedAlert, occurrencesOf, type Severity } from "@castellan/protocol";
import {
  CLOSED,
  earlier,
  type ItemRow,
  type ItemStep,
  later,
  lineOf,
  nextStep,
  type Queues,
  severityOf,
  storable,
} from "./item-line.ts";
import { deadlineIn, dueAt } from "./queues.ts";

const PRIORITY = 50;
export const URGENT_PRIORITY = 10;
const MAX_OCCURRENCES = 2_147_483_647;
const RANKS: Readonly<Record<Severity, number>> = { info: 0, warning: 1, error: 2, critical: 3 };

export interface AboutCause {
  /** The open item of the alert's cause. */
  readonly open: ItemRow | null;
  /** When none is open: the last item of the cause, if the cause is silenced now. */
  readonly silenced: ItemRow | null;
  readonly queues: Queues;
  /** Case number of a new item. */
  readonly nextCase: number;
  readonly now: Date;
  /** Of the command that caused it, if one did. */
  readonly requestId?: string;
}

/** Null when the alert changes nothing. */
export function decideAlert(numbered: NumberedAlert, about: AboutCause): ItemStep | null {
  const step = decide(numbered, about);
  if (step === null || about.requestId === undefined) return step;
  return { ...step, history: { ...step.history, request_id: about.requestId } };
}

function decide(numbered: NumberedAlert, about: AboutCause): ItemStep | null {
  const { open, silenced } = about;
  if (numbered.phase === "resolved") return open === null ? null : resolveItem(open, numbered);
  const isKnown = isReassertion(numbered.alert);
  if (open !== null) return isKnown ? null : addOccurrence(open, numbered, about);
  if (silenced !== null) return isKnown ? null : countSilently(silenced, numbered);
  return newItem(numbered, about);
}

function newItem(numbered: NumberedAlert, { nextCase, now, queues }: AboutCause): ItemStep {
  const { alert } = numbered;
  const seenAt = new Date(alert.occurredAt);
  const deadline = deadlineIn(queues, ADMIN_QUEUE, alert.severity, now);
  const item: ItemRow = {
    case_number: nextCase,
    queue_name: ADMIN_QUEUE,
    state: "new",
    priority: priorityOf(alert.severity, PRIORITY),
    severity: alert.severity,
    kind: alert.kind,
    server_name: storable(alert.server),
    subject: storable(alert.subject),
    summary: storable(alert.summary),
    cause: storable(alert.cause),
    open_cause: storable(alert.cause),
    occurrences: Math.min(MAX_OCCURRENCES, occurrencesOf(alert)),
    first_seen: seenAt,
    last_seen: seenAt,
    locked_by: null,
    state_before: null,
    assigned_to: null,
    acknowledged_by: null,
    silenced_until: null,
    deadline,
    due_at: deadline,
    escalated: false,
    details: JSON.stringify(alert.details),
    row_version: 1,
  };
  return { item, history: lineOf(item, "created", { alert: numbered }) };
}

function addOccurrence(open: ItemRow, numbered: NumberedAlert, { now, queues }: AboutCause): ItemStep {
  const { alert } = numbered;
  const before = severityOf(open.severity);
  const severity = RANKS[alert.severity] > RANKS[before] ? alert.severity : before;
  const change = {
    severity,
    priority: priorityOf(severity, open.priority),
    summary: storable(alert.summary),
    details: JSON.stringify(alert.details),
    ...counted(open, numbered),
    ...(severity === before ? {} : sooner(open, deadlineIn(queues, open.queue_name, severity, now))),
  };
  return nextStep(open, change, "repeated", { alert: numbered });
}

/** What has become worse is to be acknowledged sooner, unless it was. */
function sooner(open: ItemRow, wanted: Date | null): Partial<ItemRow> {
  if (wanted === null) return {};
  const deadline = open.deadline === null ? wanted : earlier(open.deadline, wanted);
  const isHandled = open.acknowledged_by !== null || (open.escalated && open.due_at === null);
  return { deadline, due_at: isHandled ? open.due_at : dueAt(deadline, open.silenced_until) };
}

function countSilently(closed: ItemRow, numbered: NumberedAlert): ItemStep {
  return nextStep(closed, counted(closed, numbered), "suppressed", { alert: numbered });
}

function resolveItem(open: ItemRow, numbered: NumberedAlert): ItemStep {
  const last_seen = later(open.last_seen, new Date(numbered.alert.occurredAt));
  return nextStep(open, { ...CLOSED, state: "resolved", last_seen }, "resolved", { alert: numbered });
}

const counted = (item: ItemRow, { alert }: NumberedAlert) => ({
  occurrences: Math.min(MAX_OCCURRENCES, item.occurrences + occurrencesOf(alert)),
  last_seen: later(item.last_seen, new Date(alert.occurredAt)),
});

const priorityOf = (severity: Severity, otherwise: number): number =>
  severity === "critical" ? Math.min(URGENT_PRIORITY, otherwise) : otherwise;
