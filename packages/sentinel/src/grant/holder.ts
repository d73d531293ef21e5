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
import {
  endOf,
  type HolderDecision,
  type HolderEffect,
  type HolderEvent,
  type HolderState,
  isAlone,
  isInForce,
  periodOf,
  type Sent,
} from "./holding.ts";
import { type Grant, isMajority, sameTerms, type Terms } from "./terms.ts";

/** Between two renewals, milliseconds. */
const RENEW_MS = 1000;
/** The members are asked while the schema has not answered for this long, milliseconds. */
const ASK_AFTER_MS = 2500;
/** An access that takes longer than this is given up, milliseconds. */
const ACCESS_MS = 4000;

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
