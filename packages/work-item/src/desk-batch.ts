/**
 * What a batch of deliveries becomes in the shared schema: a pure function.
 *
 * B1 Each outbox is applied in the order of its numbers without gaps; its last number is written in the same commit.
 * B2 A number that was applied before is only confirmed again.
 * B3 After a gap nothing more of that outbox is applied; the missing part is asked for. A number whose outbox says that it
 *    has nothing older leaves no gap.
 * B4 What is no alert, or cannot be stored, is kept as a dead letter in its place; it blocks nobody.
 */
import type { NumberedAlert } from "@castellan/protocol";
import { insert, insertIfAbsent, update, type Write } from "@castellan/store";
import { letterOf } from "./dead-letter.ts";
import { decideAlert } from "./desk-decision.ts";
import { type HistoryRow, type ItemRow, type Queues, storable } from "./item-line.ts";
import type { AlertDelivery } from "./ports.ts";

/** The part of the schema that a batch depends on. */
export interface DeskView {
  /** Last number applied, by `placeKey`. */
  readonly positions: ReadonlyMap<string, number>;
  /** Open items by cause. */
  readonly open: ReadonlyMap<string, ItemRow>;
  /** Of causes that are silenced now: the last item. */
  readonly silenced: ReadonlyMap<string, ItemRow>;
  readonly queues: Queues;
  readonly nextCase: number;
}

export interface OutboxPlace {
  readonly origin: string;
  readonly outbox: string;
  readonly number: number;
}

export interface BatchPlan {
  /** All or none of them; the fence comes before. Empty = nothing to change. */
  readonly writes: readonly Write[];
  /** What each outbox of the batch may forget. */
  readonly confirmed: readonly OutboxPlace[];
  /** What is missing after that number. */
  readonly missing: readonly OutboxPlace[];
  readonly applied: number;
  readonly deadLetters: number;
  readonly nextCase: number;
}

export const placeKey = (origin: string, outbox: string): string => `${origin} ${outbox}`;
/** The key under which an alert's item is looked for. */
export const causeOf = ({ alert }: NumberedAlert): string => storable(alert.cause);

/** An item that is written, with the lines of history that led there. */
export interface Touched {
  readonly versionBefore: number | null;
  readonly item: ItemRow;
  readonly history: readonly HistoryRow[];
}

export interface BatchOptions {
  /** The batch is one delivery that the schema does not take, and why. */
  readonly refuse?: string;
  /** Of the command that applies it: goes into the history. */
  readonly requestId?: string;
}

export function planBatch(
  deliveries: readonly AlertDelivery[],
  view: DeskView,
  now: Date,
  { refuse, requestId }: BatchOptions = {},
): BatchPlan {
  const positions = new Map(view.positions);
  const open = new Map(view.open);
  const silenced = new Map(view.silenced);
  const touched = new Map<number, Touched>();
  const letters: Write[] = [];
  const seen = new Map<string, OutboxPlace>();
  const missing = new Map<string, OutboxPlace>();
  let nextCase = view.nextCase;
  let applied = 0;

  function apply(numbered: NumberedAlert): void {
    const cause = causeOf(numbered);
    const before = open.get(cause) ?? null;
    const quiet = silenced.get(cause) ?? null;
    const step = decideAlert(numbered, {
      open: before,
      silenced: quiet,
      queues: view.queues,
      nextCase,
      now,
      ...(requestId !== undefined && { requestId }),
    });
    if (step === null) return;
    const { item, history } = step;
    if (item.case_number === nextCase) nextCase += 1;
    const known = touched.get(item.case_number) ?? {
      versionBefore: (before ?? quiet)?.row_version ?? null,
      history: [],
    };
    touched.set(item.case_number, { ...known, item, history: [...known.history, history] });
    if (item.open_cause === null) open.delete(cause);
    else open.set(cause, item);
    if (isSilenced(item, now)) silenced.set(cause, item);
  }

  for (const delivery of deliveries) {
    const place = placeOf(delivery);
    if (place !== null) {
      const key = placeKey(place.origin, place.outbox);
      const last = positions.get(key) ?? 0;
      seen.set(key, place);
      if (place.number <= last || missing.has(key)) continue;
      if (place.number > last + 1 && delivery.oldest !== place.number) {
        missing.set(key, { ...place, number: last });
        continue;
      }
      positions.set(key, place.number);
    }
    if (delivery.alert !== null && refuse === undefined) apply(delivery.alert);
    else letters.push(insertIfAbsent("alert_dead_letter", letterOf(delivery, refuse ?? null, now)));
    applied += 1;
  }

  const moved: Write[] = [];
  const confirmed: OutboxPlace[] = [];
  for (const [key, { origin, outbox }] of seen) {
    const before = view.positions.get(key);
    const number = positions.get(key) ?? 0;
    if (number > 0) confirmed.push({ origin, outbox, number });
    if (number === (before ?? 0)) continue;
    moved.push(
      before === undefined
        ? insert("outbox_position", { server_name: origin, outbox, last_number: number })
        : update("outbox_position", { server_name: origin, outbox, last_number: before }, { last_number: number }),
    );
  }
  return {
    writes: [...moved, ...[...touched.values()].flatMap(itemWrites), ...letters],
    confirmed,
    missing: [...missing.values()],
    applied,
    deadLetters: letters.length,
    nextCase,
  };
}

const isSilenced = ({ silenced_until }: ItemRow, now: Date): boolean =>
  silenced_until !== null && silenced_until.getTime() > now.getTime();

/** An item and its history; a version that somebody else has moved on undoes the commit. */
export function itemWrites({ versionBefore, item, history }: Touched): Write[] {
  const { case_number, ...values } = item;
  const first =
    versionBefore === null
      ? insert("work_item", item)
      : update("work_item", { case_number, row_version: versionBefore }, values);
  return [first, ...history.map((line) => insert("work_item_event", line))];
}

function placeOf(delivery: AlertDelivery): OutboxPlace | null {
  if (delivery.origin === null) return null;
  const place = delivery.alert ?? delivery.place;
  return place && { origin: delivery.origin, outbox: place.outbox, number: place.number };
}
