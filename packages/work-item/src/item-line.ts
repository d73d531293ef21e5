/** The parts of every decision about a work item: its row, the line of history that says why, and what they are made of. */
import { type NumberedAlert, Severity, type WorkQueue } from "@castellan/protocol";
import type { WorkItemChange } from "@castellan/protocol/words";
import type { Row } from "@castellan/store";

export type ItemRow = Row<"work_item">;
export type HistoryRow = Row<"work_item_event">;
/** The defined queues by name. */
export type Queues = ReadonlyMap<string, WorkQueue>;

/** An item as it shall be, and the line of history that says why. */
export interface ItemStep {
  readonly item: ItemRow;
  readonly history: HistoryRow;
}

/** Who writes history that no person caused. */
export const SYSTEM_USER = "$SYSTEM";
const MAX_NOTE = 1000;

type Why =
  | { readonly alert: NumberedAlert }
  | {
      readonly by: string;
      readonly station: string | null;
      readonly note: string | null;
      readonly requestId: string | null;
      readonly now: Date;
    };

/** The next version of an item with its line: the version is also the line's number. */
export function nextStep(item: ItemRow, change: Partial<ItemRow>, what: WorkItemChange, why: Why): ItemStep {
  const next: ItemRow = { ...item, ...change, row_version: item.row_version + 1 };
  return { item: next, history: lineOf(next, what, why) };
}

export function lineOf(item: ItemRow, what: WorkItemChange, why: Why): HistoryRow {
  const line = { case_number: item.case_number, seq: item.row_version, what, published: false };
  if ("alert" in why) {
    return {
      ...line,
      by_user: SYSTEM_USER,
      station: null,
      note: noteOf(why.alert.alert.summary),
      alert_id: storable(why.alert.id),
      request_id: null,
      happened_at: new Date(why.alert.alert.occurredAt),
    };
  }
  return {
    ...line,
    by_user: storable(why.by),
    station: why.station === null ? null : storable(why.station),
    note: why.note === null ? null : noteOf(why.note),
    alert_id: null,
    request_id: why.requestId,
    happened_at: why.now,
  };
}

const noteOf = (text: string): string => storable(text.slice(0, MAX_NOTE));

export const later = (a: Date, b: Date): Date => (a.getTime() > b.getTime() ? a : b);
export const earlier = (a: Date, b: Date): Date => (a.getTime() < b.getTime() ? a : b);

/** What a step leaves nobody to wait for. */
export const CLOSED = { open_cause: null, locked_by: null, state_before: null, due_at: null } as const;

/**
 * Text as every database takes it: without NUL and without halves of surrogate pairs, and never empty (for Oracle an
 * empty string is no string).
 */
export function storable(text: string): string {
  const clean = text.replaceAll("\u0000", "\uFFFD").replace(/\p{Surrogate}/gu, "\uFFFD");
  return clean === "" ? "-" : clean;
}

/** A stored severity; one that nobody knows counts as an error. */
export const severityOf = (stored: string): Severity => Severity.options.find((known) => known === stored) ?? "error";
