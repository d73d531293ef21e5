/**
 * Which alert an outbox sends next: a pure state machine.
 *
 * D1 Numbers go out in order, at most `WINDOW` of them unanswered by the bus.
 * D2 Stored by the bus is not recorded by the desk: until the desk confirms, everything can be sent again. When it has
 *    been silent too long, the first unconfirmed are sent once more (a probe); each answered probe allows a larger one,
 *    each unanswered one a longer wait, so neither a lost stream nor a desk that is away for hours causes a flood.
 * D3 Whatever is sent again carries another message id, or the bus would take it for a duplicate and drop it.
 */
import { type Backoff, backoffMs, type Rng } from "@castellan/kernel";

export const WINDOW = 256;
const SILENCE_MS = { first: 5000, max: 60_000, answered: 1000 };
const PROBE = { first: 256, max: 8192 };
const RETRY: Backoff = { firstMs: 100, maxMs: 2000 };
/** The desk says the same gap with every batch: once a second is heard. */
const SAME_GAP_MS = 1000;

export interface Delivery {
  /** Highest number accepted, and highest the desk has recorded. */
  readonly last: number;
  readonly confirmed: number;
  /** Highest number handed to the bus in order; what follows is next. */
  readonly cursor: number;
  /** Highest number ever handed to the bus, by this program or its predecessors. */
  readonly highest: number;
  readonly inFlight: number;
  /** Grows with every sending again; part of the message id. */
  readonly round: number;
  /** What is sent again out of order. */
  readonly probe: { readonly next: number; readonly to: number } | null;
  /** End of the probe that has not been answered yet. */
  readonly probedTo: number | null;
  readonly probeSize: number;
  readonly silenceMs: number;
  /** Boot-time clock. */
  readonly heardAt: number;
  readonly failures: number;
  readonly pausedUntil: number;
  readonly gap: { readonly after: number; readonly at: number } | null;
}

export type DeliveryEvent =
  | { readonly type: "accepted"; readonly last: number }
  | { readonly type: "sent"; readonly number: number }
  | { readonly type: "stored" }
  | { readonly type: "failed"; readonly number: number; readonly round: number }
  | { readonly type: "confirmed"; readonly number: number }
  | { readonly type: "missed"; readonly after: number; readonly oldest: number }
  /** Nothing up to that number can be read any more. */
  | { readonly type: "skipped"; readonly to: number }
  | { readonly type: "tick" };

/** Where to begin after opening: everything unconfirmed may have been sent by the predecessor. */
export function startDelivery(file: { last: number; confirmed: number }, round: number, nowMs: number): Delivery {
  return {
    last: file.last,
    confirmed: file.confirmed,
    cursor: file.confirmed,
    highest: file.last,
    inFlight: 0,
    round,
    probe: null,
    probedTo: null,
    probeSize: PROBE.first,
    silenceMs: SILENCE_MS.first,
    heardAt: nowMs,
    failures: 0,
    pausedUntil: 0,
    gap: null,
  };
}

/** The number to send now, or null. */
export function nextToSend(state: Delivery, nowMs: number): number | null {
  if (state.inFlight >= WINDOW || nowMs < state.pausedUntil) return null;
  if (state.probe) return state.probe.next;
  return state.cursor < state.last ? state.cursor + 1 : null;
}

/** The message id of an alert: its own id the first time, with the round on every other. */
export function messageIdOf(state: Delivery, record: { number: number; id: string }): string {
  return record.number > state.highest ? record.id : `${record.id}.${state.round}`;
}

export function decideDelivery(state: Delivery, event: DeliveryEvent, nowMs: number, rng: Pick<Rng, "next">): Delivery {
  switch (event.type) {
    case "accepted":
      return { ...state, last: Math.max(state.last, event.last) };
    case "sent":
      return onSent(state, event.number, nowMs);
    case "stored":
      return { ...state, inFlight: Math.max(0, state.inFlight - 1), failures: 0 };
    case "failed":
      return onFailed(state, event, nowMs, rng);
    case "confirmed":
      return onConfirmed(state, event.number, nowMs);
    case "missed":
      return onMissed(state, event, nowMs);
    case "skipped":
      return { ...state, cursor: Math.max(state.cursor, event.to), probe: null };
    case "tick":
      return onTick(state, nowMs);
  }
}

function onSent(state: Delivery, number: number, nowMs: number): Delivery {
  const inFlight = state.inFlight + 1;
  const highest = Math.max(state.highest, number);
  if (state.probe) {
    const probe = number < state.probe.to ? { ...state.probe, next: number + 1 } : null;
    return { ...state, inFlight, highest, probe };
  }
  // Silence counts from the moment there is something to be confirmed.
  const heardAt = state.cursor <= state.confirmed ? nowMs : state.heardAt;
  return { ...state, inFlight, highest, cursor: Math.max(state.cursor, number), heardAt };
}

function onFailed(
  state: Delivery,
  failed: { number: number; round: number },
  nowMs: number,
  rng: Pick<Rng, "next">,
): Delivery {
  const cursor = Math.max(state.confirmed, Math.min(state.cursor, failed.number - 1));
  const settled = { ...state, inFlight: Math.max(0, state.inFlight - 1), cursor };
  // Of a whole window that fails, only the first failure lengthens the pause.
  if (failed.round !== state.round) return settled;
  return {
    ...settled,
    round: state.round + 1,
    probe: null,
    failures: state.failures + 1,
    pausedUntil: nowMs + backoffMs(RETRY, state.failures, rng),
  };
}

function onConfirmed(state: Delivery, number: number, nowMs: number): Delivery {
  const confirmed = Math.min(number, state.last);
  if (confirmed <= state.confirmed) return state;
  const cursor = Math.max(state.cursor, confirmed);
  const probe = state.probe && state.probe.to > confirmed ? state.probe : null;
  const next = { ...state, confirmed, cursor, heardAt: nowMs, probe };
  if (confirmed === cursor) {
    return { ...next, silenceMs: SILENCE_MS.first, probeSize: PROBE.first, probedTo: null };
  }
  if (state.probedTo === null || confirmed < state.probedTo) return next;
  const probeSize = Math.min(PROBE.max, state.probeSize * 2);
  return { ...next, silenceMs: SILENCE_MS.answered, probeSize, probedTo: null };
}

function onMissed(state: Delivery, missed: { after: number; oldest: number }, nowMs: number): Delivery {
  const after = Math.max(missed.after, missed.oldest - 1);
  if (after >= state.cursor) return state;
  if (state.gap && state.gap.after === after && nowMs - state.gap.at < SAME_GAP_MS) return state;
  return {
    ...state,
    cursor: after,
    // Less than was confirmed once: the desk's database is an older one, and is to be told again.
    confirmed: Math.min(state.confirmed, after),
    probe: null,
    round: state.round + 1,
    heardAt: nowMs,
    gap: { after, at: nowMs },
  };
}

function onTick(state: Delivery, nowMs: number): Delivery {
  if (state.cursor <= state.confirmed || state.probe || nowMs < state.pausedUntil) return state;
  if (nowMs - state.heardAt < state.silenceMs) return state;
  const to = Math.min(state.cursor, state.confirmed + state.probeSize);
  return {
    ...state,
    round: state.round + 1,
    probe: { next: state.confirmed + 1, to },
    probedTo: to,
    heardAt: nowMs,
    silenceMs: Math.max(SILENCE_MS.first, Math.min(SILENCE_MS.max, state.silenceMs * 2)),
  };
}
