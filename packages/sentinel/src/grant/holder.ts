/**
 * The holder's side of a grant: until when this server may run what must not run twice. Pure and total.
 *
 * | row     | meaning                                            | what a tick does                                    |
 * |---------|----------------------------------------------------|-----------------------------------------------------|
 * | unknown | nothing was read by this worker yet                | reads it                                            |
 * | absent  | the node has had one server until now; the first   | takes the first one, once there are several servers |
 * |         | grant may have been sent                           |                                                     |
 * | current | ours                                               | renews it; asks the members while SQL does not answer |
 * | revoked | it ends for good at its deadline                   | sweeps after the deadline, then takes the next one  |
 *
 * G1 The end of a grant is the time at which its last confirmed renewal was *sent*, plus the period; confirmed by the schema, or
 *    by more than half of the members.
 * G2 While it is not known which terms the schema holds, the shortest period counts, and a majority of every list.
 * G3 Of a revoked generation nothing is renewed, and the next is not taken before nothing of it can run any more: its end
 *    has passed, every instance is stopped or held, and a look at the processes has found none.
 * G4 A server that is a majority by itself (the only one) needs nobody and never stops anything. When it is no more, its grant
 *    has a whole period from then.
 */
import { type Grant, isMajority, sameTerms, stopLeadMs, type Terms } from "./terms.ts";

/** A write that was sent, as the schema would show it. */
interface Sent {
  readonly sentMs: number;
  readonly generation: number;
  readonly renewals: number;
  readonly terms: Terms;
}

export interface HolderState {
  readonly serverId: number;
  readonly row: "unknown" | "absent" | "current" | "revoked";
  /** 0: none yet. */
  readonly generation: number;
  readonly renewals: number;
  /** What may be in the schema, of this generation. */
  readonly terms: readonly Terms[];
  /** When the last confirmed renewal was sent; boot-time milliseconds. */
  readonly confirmedMs: number;
  /** What an earlier worker of this boot left behind, until the row is read. */
  readonly remembered: { readonly generation: number; readonly endMs: number } | null;
  /** The processes were told to stop since the grant was last in force. */
  readonly isEnding: boolean;
  /** Nothing of this generation runs, nor will. */
  readonly isSwept: boolean;
  /** The one access to the schema under way; without `write` a look. */
  readonly access: { readonly id: number; readonly sentMs: number; readonly write: Sent | null } | null;
  /** The last write whose fate is not known: the row is looked at before the next. */
  readonly doubt: Sent | null;
  /** When something was last tried, and when the schema last took a write. */
  readonly triedMs: number;
  readonly writtenMs: number;
  /** The latest question to the members. */
  readonly round: { readonly id: number; readonly sentMs: number; readonly confirmed: ReadonlySet<number> } | null;
  readonly lastId: number;
}

export type HolderEvent =
  | { readonly type: "tick"; readonly wanted: Terms }
  | { readonly type: "read"; readonly id: number; readonly row: Grant | null }
  /** Written: renewed or taken. */
  | { readonly type: "written"; readonly id: number }
  /** The schema says no: the row is not what we believed. */
  | { readonly type: "refused"; readonly id: number }
  /** The schema does not say: it is away, or the answer was lost. */
  | { readonly type: "failed"; readonly id: number }
  | { readonly type: "confirmed"; readonly id: number; readonly member: number }
  /** After the end: every instance is stopped or held, and no process of one was found. */
  | { readonly type: "swept"; readonly generation: number };

export type HolderEffect =
  | { readonly kind: "read"; readonly id: number }
  /** `renewals`: the number that is in the row; it becomes the next. */
  | {
      readonly kind: "renew";
      readonly id: number;
      readonly generation: number;
      readonly renewals: number;
      readonly terms: Terms;
    }
  /** `from`: the revoked generation it follows; 0 = there is no row. */
  | { readonly kind: "take"; readonly id: number; readonly from: number; readonly terms: Terms }
  | { readonly kind: "ask"; readonly id: number; readonly generation: number; readonly members: readonly number[] }
  /** For the guard, before anything that follows. Infinity: there is nothing to guard. */
  | { readonly kind: "end-at"; readonly endMs: number; readonly generation: number; readonly periodMs: number }
  /** Stop what runs under the grant, in order; it is started again by the master. */
  | { readonly kind: "stop-processes" }
  | { readonly kind: "sweep"; readonly generation: number };

export interface HolderDecision {
  readonly state: HolderState;
  readonly effects: readonly HolderEffect[];
}

/** Between two renewals, milliseconds. */
const RENEW_MS = 1000;
/** The members are asked while the schema has not answered for this long, milliseconds. */
const ASK_AFTER_MS = 2500;
/** An access that takes longer than this is given up, milliseconds. */
const ACCESS_MS = 4000;

export function beginHolding(serverId: number, remembered: HolderState["remembered"]): HolderState {
  return {
    serverId,
    row: "unknown",
    generation: 0,
    renewals: 0,
    terms: [],
    confirmedMs: Number.NEGATIVE_INFINITY,
    remembered,
    isEnding: remembered === null,
    isSwept: false,
    access: null,
    doubt: null,
    triedMs: Number.NEGATIVE_INFINITY,
    writtenMs: Number.NEGATIVE_INFINITY,
    round: null,
    lastId: 0,
  };
}

/** Whether we are a majority by ourselves, whichever terms hold. */
export function isAlone({ row, terms, serverId }: HolderState): boolean {
  // A first grant that was sent may be in the schema, whatever became of the answer.
  if (row === "absent") return terms.length === 0;
  const own = new Set([serverId]);
  return row === "current" && terms.length > 0 && terms.every(({ members }) => isMajority(own, members));
}

/** Until when the processes may run; -Infinity: there is no grant. */
export function endOf(state: HolderState): number {
  if (state.row === "unknown") return state.remembered?.endMs ?? Number.NEGATIVE_INFINITY;
  if (isAlone(state)) return Number.POSITIVE_INFINITY;
  return state.confirmedMs + periodOf(state);
}

const periodOf = ({ terms }: HolderState): number =>
  terms.length === 0 ? 0 : Math.min(...terms.map(({ periodMs }) => periodMs));

/** Not revoked as far as we know, and not so near its end that the processes must be stopped. */
const isInForce = (state: HolderState, nowMs: number): boolean =>
  state.row !== "revoked" && nowMs < endOf(state) - stopLeadMs(periodOf(state));

/** Whether something may be started now. */
export const mayLaunch = (state: HolderState, nowMs: number): boolean =>
  state.row !== "unknown" && isInForce(state, nowMs);

export function decideHolder(before: HolderState, event: HolderEvent, nowMs: number): HolderDecision {
  const effects: HolderEffect[] = [];
  const after = apply(before, event, nowMs, effects);
  return settle(before, after, nowMs, effects);
}

/** What follows from the time alone: the guard hears of a new end before anything else happens, the processes stop in time. */
function settle(before: HolderState, after: HolderState, nowMs: number, effects: HolderEffect[]): HolderDecision {
  const endMs = endOf(after);
  if (after.row !== "unknown" && (endMs !== endOf(before) || after.generation !== before.generation)) {
    effects.unshift({ kind: "end-at", endMs, generation: after.generation, periodMs: periodOf(after) });
  }
  if (isInForce(after, nowMs)) return { state: after.isEnding ? { ...after, isEnding: false } : after, effects };
  const isJustRevoked = after.row === "revoked" && before.row !== "revoked";
  if (after.isEnding && !isJustRevoked) return { state: after, effects };
  effects.push({ kind: "stop-processes" });
  return { state: { ...after, isEnding: true }, effects };
}

function apply(state: HolderState, event: HolderEvent, nowMs: number, effects: HolderEffect[]): HolderState {
  switch (event.type) {
    case "tick":
      return tick(giveUp(state, nowMs), event.wanted, nowMs, effects);
    case "read":
      return state.access?.id === event.id ? learn({ ...state, access: null }, event.row, state.access.sentMs) : state;
    case "written":
      return written(state, event.id, nowMs);
    case "refused":
      return state.access?.id === event.id ? look({ ...state, access: null }, nowMs, effects) : state;
    case "failed":
      return state.access?.id === event.id ? inDoubt(state) : state;
    case "confirmed":
      return confirmed(state, event.id, event.member);
    case "swept":
      return state.row === "revoked" && state.generation === event.generation ? { ...state, isSwept: true } : state;
  }
}

const giveUp = (state: HolderState, nowMs: number): HolderState =>
  state.access !== null && nowMs - state.access.sentMs > ACCESS_MS ? inDoubt(state) : state;

function inDoubt(state: HolderState): HolderState {
  return { ...state, access: null, doubt: state.access?.write ?? state.doubt };
}

function tick(state: HolderState, wanted: Terms, nowMs: number, effects: HolderEffect[]): HolderState {
  if (nowMs - state.triedMs < RENEW_MS) return state;
  const next = state.access === null ? accessSchema(state, wanted, nowMs, effects) : state;
  const isAsking = next.row === "current" && !isAlone(next) && nowMs - next.writtenMs > ASK_AFTER_MS;
  return isAsking ? ask(next, nowMs, effects) : next;
}

function accessSchema(state: HolderState, wanted: Terms, nowMs: number, effects: HolderEffect[]): HolderState {
  if (state.row === "unknown" || state.doubt !== null) return look(state, nowMs, effects);
  switch (state.row) {
    case "absent":
      if (!isMajority(new Set([state.serverId]), wanted.members)) return take(state, wanted, nowMs, effects);
      return isAlone(state) ? state : look(state, nowMs, effects);
    case "revoked":
      if (state.isSwept) return take(state, wanted, nowMs, effects);
      if (nowMs >= endOf(state)) effects.push({ kind: "sweep", generation: state.generation });
      return { ...state, triedMs: nowMs };
    case "current":
      return isAlone(state) && state.terms.every((terms) => sameTerms(terms, wanted))
        ? state
        : renew(state, wanted, nowMs, effects);
  }
}

function renew(state: HolderState, wanted: Terms, nowMs: number, effects: HolderEffect[]): HolderState {
  const { generation, renewals } = state;
  const id = state.lastId + 1;
  effects.push({ kind: "renew", id, generation, renewals, terms: wanted });
  const write: Sent = { sentMs: nowMs, generation, renewals: renewals + 1, terms: wanted };
  const terms = withTerms(state.terms, wanted);
  // Who was a majority by itself until now has confirmed it by itself until now.
  const confirmedMs = isAlone(state) ? nowMs : state.confirmedMs;
  return { ...state, lastId: id, triedMs: nowMs, terms, confirmedMs, access: { id, sentMs: nowMs, write } };
}

/** The row as it was read does not say what is still on its way there. */
function withTerms(terms: readonly Terms[], more: Terms): readonly Terms[] {
  return terms.some((one) => sameTerms(one, more)) ? terms : [...terms, more];
}

function take(state: HolderState, terms: Terms, nowMs: number, effects: HolderEffect[]): HolderState {
  const from = state.row === "absent" ? 0 : state.generation;
  const id = state.lastId + 1;
  effects.push({ kind: "take", id, from, terms });
  const write: Sent = { sentMs: nowMs, generation: from + 1, renewals: 0, terms };
  const confirmedMs = isAlone(state) ? nowMs : state.confirmedMs;
  const possible = from === 0 ? withTerms(state.terms, terms) : state.terms;
  const access = { id, sentMs: nowMs, write };
  return { ...state, lastId: id, triedMs: nowMs, terms: possible, confirmedMs, access };
}

function look(state: HolderState, nowMs: number, effects: HolderEffect[]): HolderState {
  const id = state.lastId + 1;
  effects.push({ kind: "read", id });
  return { ...state, lastId: id, triedMs: nowMs, access: { id, sentMs: nowMs, write: null } };
}

function learn(state: HolderState, row: Grant | null, askedMs: number): HolderState {
  // What was looked at is done about at the next tick.
  const next: HolderState = { ...state, doubt: null, triedMs: Number.NEGATIVE_INFINITY };
  if (row === null) {
    const isFirst = state.row === "unknown" || state.row === "absent";
    // Nobody can have taken away by then what was not there.
    return isFirst ? { ...next, row: "absent", confirmedMs: Math.max(state.confirmedMs, askedMs) } : revoked(next);
  }
  const { generation, renewals, terms } = row;
  const known = state.row === "absent" && !isAlone(state) ? 1 : state.generation;
  const isOurs = state.row !== "unknown" && generation === known;
  const learned: HolderState = {
    ...next,
    row: row.isRevoked ? "revoked" : "current",
    generation,
    renewals,
    terms: isOurs ? withTerms(state.terms, terms) : [terms],
    confirmedMs: isOurs ? state.confirmedMs : rememberedSentMs(state, row),
    remembered: null,
    isSwept: isOurs && state.isSwept,
  };
  return withDoubtResolved(learned, state.doubt);
}

const revoked = (state: HolderState): HolderState => ({ ...state, row: "revoked" });

/** Without an end there was nothing to confirm: that must not outlast the server's being the only one. */
function rememberedSentMs({ remembered }: HolderState, { generation, terms }: Grant): number {
  if (remembered?.generation !== generation || remembered.endMs === Number.POSITIVE_INFINITY)
    return Number.NEGATIVE_INFINITY;
  return remembered.endMs - terms.periodMs;
}

/** What was sent and is found in the row has been confirmed, whatever became of the answer. */
function withDoubtResolved(state: HolderState, doubt: Sent | null): HolderState {
  if (doubt === null || doubt.generation !== state.generation || state.renewals < doubt.renewals) return state;
  return { ...state, confirmedMs: Math.max(state.confirmedMs, doubt.sentMs) };
}

function written(state: HolderState, id: number, nowMs: number): HolderState {
  const write = state.access?.id === id ? state.access.write : null;
  if (write === null) return state;
  const { generation, renewals, terms, sentMs } = write;
  const confirmedMs = generation === state.generation ? Math.max(state.confirmedMs, sentMs) : sentMs;
  return {
    ...state,
    row: "current",
    generation,
    renewals,
    terms: [terms],
    confirmedMs,
    isSwept: false,
    access: null,
    writtenMs: nowMs,
    round: generation === state.generation ? state.round : null,
  };
}

/** Who has confirmed once in a round is counted once; who refuses is not counted. */
function ask(state: HolderState, nowMs: number, effects: HolderEffect[]): HolderState {
  const id = state.lastId + 1;
  const members = [...new Set(state.terms.flatMap((terms) => terms.members))].filter((one) => one !== state.serverId);
  effects.push({ kind: "ask", id, generation: state.generation, members });
  const confirmedBy = new Set([state.serverId]);
  return { ...state, lastId: id, triedMs: nowMs, round: { id, sentMs: nowMs, confirmed: confirmedBy } };
}

function confirmed(state: HolderState, id: number, member: number): HolderState {
  const { round } = state;
  if (round === null || round.id !== id || state.row !== "current") return state;
  const all = new Set([...round.confirmed, member]);
  const isEnough = state.terms.every(({ members }) => isMajority(all, members));
  return {
    ...state,
    round: { ...round, confirmed: all },
    confirmedMs: isEnough ? Math.max(state.confirmedMs, round.sentMs) : state.confirmedMs,
  };
}
