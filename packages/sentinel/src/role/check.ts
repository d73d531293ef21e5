/**
 * The check: is the master gone? Only a check leads to a take-over, and every condition must hold.
 *
 * E1 Whoever checks is settled: its link, its routes, its contact with the schema and its event loop were in order for a
 *    full silence. Nothing of the master was heard since the evidence.
 * E2 Where other members live, one of them agrees. Where the schema shows none, the schema itself must have been silent; also
 *    where the master was never heard: of a bus that is just coming together nobody can say who is not there.
 * E3 A watcher may ask for patience while it brings its worker back: for a while, and only so often.
 * E4 Candidates go one after the other, so that they rarely meet.
 */
import type { Check, Effect, Facts, Known, Opinion, Survey, VouchWord } from "./election-state.ts";
import { isSchemaSilent, isSettled, mayMiss, SILENCE_MS } from "./known.ts";

/** Evidence of nobody must be at least so old, milliseconds: a client that reconnects is back by then. */
const LEAST_MS = 120;
/** How long a watcher is believed, how often within how long. */
const VOUCH_MS = 2000;
const VOUCHES = 3;
const VOUCHES_WITHIN_MS = 60_000;
/** Members are asked again after this long, milliseconds. */
const ROUND_MS = 1000;
/** So many members are asked in a round. */
const ASKED = 3;
/** Between candidates, milliseconds; from this rank on all wait alike. */
const TURN_MS = 25;
const LAST_TURN = 8;
const JITTER_MS = 20;
/** A member whose sign of life in the schema stood still for this long is not waited for, milliseconds. */
const MEMBER_GONE_MS = 15_000;
/** What was heard by another member this long ago counts as silence, milliseconds: its clock and ours tick apart. */
const SILENT_ELSEWHERE_MS = SILENCE_MS - 500;

export function beginCheck(
  known: Known,
  evidence: Check["evidence"],
  { nowMs, jitter }: Facts,
): { readonly check: Check; readonly effects: readonly Effect[] } {
  const recent = known.vouchedMs.filter((atMs) => nowMs - atMs < VOUCHES_WITHIN_MS);
  const mayVouch = recent.length < VOUCHES && known.master?.id !== null && known.master !== null;
  const check: Check = {
    evidence,
    sinceMs: evidence === "nobody" ? known.nobodyMs : known.heardMs,
    begunMs: nowMs,
    roundMs: nowMs,
    others: null,
    witnesses: 0,
    signs: new Map(),
    rank: 0,
    jitter,
    agreed: false,
    graceMs: mayVouch ? null : 0,
  };
  const vouch: readonly Effect[] = mayVouch ? [{ do: "ask-watcher", id: known.master.id }] : [];
  return { check, effects: [{ do: "survey" }, ...vouch] };
}

/** The members as the schema shows them. */
export function surveyed(
  check: Check,
  { serverId, master }: Known,
  survey: Survey,
  { nowMs }: Facts,
): { readonly check: Check; readonly effects: readonly Effect[] } {
  const signs = new Map(check.signs);
  for (const { id, sign } of survey.members) {
    if (signs.get(id)?.sign !== sign) signs.set(id, { sign, atMs: nowMs });
  }
  const candidates = survey.members.filter(({ id }) => id !== master?.id);
  const witnesses = candidates.filter(({ id }) => id !== serverId);
  const others = witnesses
    .filter(({ id, gone }) => !gone && nowMs - (signs.get(id)?.atMs ?? nowMs) < MEMBER_GONE_MS)
    .map(({ id }) => id);
  const rank = candidates.filter(({ id }) => id < serverId).length;
  // Not always the same ones: of many members those with low numbers would answer everybody.
  const from = others.length === 0 ? 0 : Math.floor(check.jitter * others.length);
  const ids = [...others.slice(from), ...others.slice(0, from)].slice(0, ASKED);
  const asks = ids.length > 0 && !check.agreed && master !== null;
  return {
    check: { ...check, signs, others, witnesses: witnesses.length, rank },
    effects: asks ? [{ do: "ask-members", ids, epoch: master.epoch }] : [],
  };
}

/** What an opinion means for this check. */
export function weigh(
  check: Check,
  known: Known,
  opinion: Opinion,
  { nowMs }: Facts,
): "agrees" | "sees it" | "nothing" {
  if (!opinion.settled || opinion.epoch === null || known.master === null) return "nothing";
  const { live, heardAgoMs } = opinion;
  if (opinion.epoch > known.master.epoch) return "sees it";
  if (live.word === "master") return live.epoch >= known.master.epoch ? "sees it" : "nothing";
  const heardAfter = heardAgoMs !== null && heardAgoMs < nowMs - check.sinceMs;
  if (check.evidence === "nobody") {
    if (live.word === "nobody") return heardAfter ? "sees it" : "agrees";
    return "nothing";
  }
  return heardAgoMs !== null && heardAgoMs < SILENT_ELSEWHERE_MS ? "sees it" : "agrees";
}

export function vouched(
  check: Check,
  known: Known,
  word: VouchWord,
  { nowMs }: Facts,
): { readonly check: Check; readonly known: Known } {
  if (check.graceMs !== null) return { check, known };
  // A worker that is up for its watcher but not for the bus is just now reconnecting; one that is silent hangs.
  const isBelieved = word === "restarting" || (word === "up" && check.evidence === "nobody");
  if (!isBelieved) return { check: { ...check, graceMs: 0 }, known };
  const recent = known.vouchedMs.filter((atMs) => nowMs - atMs < VOUCHES_WITHIN_MS);
  return {
    check: { ...check, graceMs: check.begunMs + VOUCH_MS },
    known: { ...known, vouchedMs: [...recent, nowMs] },
  };
}

/** `drop`: whoever checks may not judge. */
export function judge(check: Check, known: Known, facts: Facts): "take" | "wait" | "drop" {
  if (!isSettled(facts)) return "drop";
  const { nowMs } = facts;
  if (known.lower > 0 || check.others === null || check.graceMs === null || nowMs < check.graceMs) return "wait";
  if (nowMs < check.sinceMs + LEAST_MS + Math.min(check.rank, LAST_TURN) * TURN_MS + check.jitter * JITTER_MS)
    return "wait";
  if (check.others.length > 0) return check.agreed && mayMiss(known, facts) ? "take" : "wait";
  // Of two servers one has seen the other's subscription go; who only hears nothing, or has lost its witnesses, asks the schema.
  if (check.witnesses === 0 && check.evidence === "nobody" && known.heard) return "take";
  return isSchemaSilent(known, facts) ? "take" : "wait";
}

/** A round without a result is over: members may have come or gone. */
export function nextRound(
  check: Check,
  { nowMs }: Facts,
): { readonly check: Check; readonly effects: readonly Effect[] } {
  if (nowMs - check.roundMs < ROUND_MS) return { check, effects: [] };
  return { check: { ...check, roundMs: nowMs }, effects: [{ do: "survey" }] };
}
