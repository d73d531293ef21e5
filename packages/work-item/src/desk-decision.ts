/**
 * What one alert does to the work items: a pure function.
 *
 * | alert    | open item of its cause    | no open item                     |
 * |----------|---------------------------|----------------------------------|
 * | raised   | one more occurrence       | a new item                       |
 * | repeated | one more occurrence       | a new item: it is still going on |
 * | resolved | closed as `resolved`      | nothing                          |
 *
 * W1 At most one item of a cause is open. W2 Severity only grows while it is open. W3 Every change adds one line of
 * history under the item's new version, so the version is also the line's number.
 */
import { type NumberedAlert, occurrencesOf, Severity } from "@castellan/protocol";
import type { Row } from "@castellan/store";

export type ItemRow = Row<"work_item">;
export type HistoryRow = Row<"work_item_event">;

/** An item as it shall be, and the line of history that says why. */
export interface ItemStep {
  readonly item: ItemRow;
  readonly history: HistoryRow;
}

export const QUEUE = "swadmin";
/** Who writes history that no person caused. */
export const SYSTEM_USER = "$SYSTEM";
const PRIORITY = 50;
const URGENT_PRIORITY = 10;
const MAX_OCCURRENCES = 2_147_483_647;

/** Null when the alert changes nothing. `nextCase` is used when a new item is made. */
export function decideAlert(open: ItemRow | null, numbered: NumberedAlert, nextCase: number): ItemStep | null {
  if (numbered.phase === "resolved") return open === null ? null : resolveItem(open, numbered);
  return open === null ? newItem(numbered, nextCase) : addOccurrence(open, numbered);
}

function newItem(numbered: NumberedAlert, caseNumber: number): ItemStep {
  const { alert } = numbered;
  const seenAt = new Date(alert.occurredAt);
  const item: ItemRow = {
    case_number: caseNumber,
    queue_name: QUEUE,
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
    assigned_to: null,
    acknowledged_by: null,
    silenced: false,
    deadline: null,
    details: JSON.stringify(alert.details),
    row_version: 1,
  };
  return { item, history: line(item, "created", { alert: numbered }) };
}

function addOccurrence(open: ItemRow, numbered: NumberedAlert): ItemStep {
  const { alert } = numbered;
  const severity = higher(open.severity, alert.severity);
  const item: ItemRow = {
    ...open,
    severity,
    priority: priorityOf(severity, open.priority),
    summary: storable(alert.summary),
    occurrences: Math.min(MAX_OCCURRENCES, open.occurrences + occurrencesOf(alert)),
    last_seen: later(open.last_seen, new Date(alert.occurredAt)),
    details: JSON.stringify(alert.details),
    row_version: open.row_version + 1,
  };
  return { item, history: line(item, "repeated", { alert: numbered }) };
}

function resolveItem(open: ItemRow, numbered: NumberedAlert): ItemStep {
  const item: ItemRow = {
    ...open,
    state: "resolved",
    open_cause: null,
    locked_by: null,
    last_seen: later(open.last_seen, new Date(numbered.alert.occurredAt)),
    row_version: open.row_version + 1,
  };
  return { item, history: line(item, "resolved", { alert: numbered }) };
}

/** A person removes the item from its queue. */
export function releaseItem(open: ItemRow, by: string, note: string | null, now: Date): ItemStep {
  const item: ItemRow = {
    ...open,
    state: "released",
    open_cause: null,
    locked_by: null,
    row_version: open.row_version + 1,
  };
  return { item, history: line(item, "released", { by, note, now }) };
}

function line(
  item: ItemRow,
  what: string,
  why: { readonly alert: NumberedAlert } | { readonly by: string; readonly note: string | null; readonly now: Date },
): HistoryRow {
  const caused = "alert" in why;
  return {
    case_number: item.case_number,
    seq: item.row_version,
    what,
    by_user: caused ? SYSTEM_USER : why.by,
    note: caused ? storable(why.alert.alert.summary).slice(0, 1000) : why.note,
    alert_id: caused ? why.alert.id : null,
    happened_at: caused ? new Date(why.alert.alert.occurredAt) : why.now,
    published: false,
  };
}

const later = (a: Date, b: Date): Date => (a.getTime() > b.getTime() ? a : b);

const rankOf = (severity: string): number => Severity.options.findIndex((known) => known === severity);
const higher = (stored: string, next: Severity): string => (rankOf(next) > rankOf(stored) ? next : stored);

const priorityOf = (severity: string, otherwise: number): number =>
  severity === "critical" ? Math.min(URGENT_PRIORITY, otherwise) : otherwise;

/**
 * Text as every database takes it: without NUL and without halves of surrogate pairs, and never empty (for Oracle an
 * empty string is no string).
 */
export function storable(text: string): string {
  const clean = text.replaceAll("\u0000", "\uFFFD").replace(/\p{Surrogate}/gu, "\uFFFD");
  return clean === "" ? "-" : clean;
}
