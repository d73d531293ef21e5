/** What a sentinel learns about the master, as pure functions: who it is, when it was last heard, what is not to be believed. */
import type { Effect, Facts, Known, MasterRead } from "./election-state.ts";

/** A master that was not heard for this long may be gone, milliseconds; and nobody judges who was not settled for as long. */
export const SILENCE_MS = 3000;
/** A master that was never heard, but writes, is awaited on the bus for this long, milliseconds: buses take their time to come together. */
const UNHEARD_MS = 30_000;
/** For so long after it was last heard a master is awaited at most, milliseconds: twice what an exchange may ask for. */
const EXCUSED_AT_MOST_MS = 120_000;
/** After a take-over because nobody answered only heartbeats count, for this long, milliseconds; twice as long when it repeats. */
const HEARTBEATS_ONLY_MS = 10_000;
const HEARTBEATS_ONLY_MAX_MS = 5 * 60_000;
/** Servers that find no master at all let those with a lower number go first, milliseconds each. */
const TURN_MS = 200;
const TURNS = 10;
/** An epoch heard on the bus that is further ahead than this is not believed: no series of take-overs explains it. */
const BELIEVABLE = 16;
/** The schema must show an older epoch so many times in a row: an answer may have been under way. */
export const LOWER_READS = 2;
const RETRY = { firstMs: 100, maxMs: 5000 };

export function nothingKnown(serverId: number, highest: number, nowMs: number): Known {
  return {
    serverId,
    master: null,
    fenceMs: nowMs,
    highest,
    lower: 0,
    heardMs: nowMs,
    heard: false,
    nobody: 0,
    nobodyMs: nowMs,
    heartbeatsOnlyUntilMs: nowMs,
    heartbeatsOnlyMs: 0,
    vouchedMs: [],
    quietUntilMs: nowMs,
    excused: null,
    failures: 0,
    mayTakeMs: nowMs,
  };
}

/** The schema was read. `changed`: it names another epoch than it did. */
export function learn(
  known: Known,
  { epoch, masterId, planned, fence, seenBefore }: MasterRead,
  { nowMs }: Facts,
): { readonly known: Known; readonly changed: boolean; readonly effects: readonly Effect[] } {
  const { master } = known;
  const changed = master?.epoch !== epoch;
  const highest = Math.max(known.highest, epoch);
  const lower = epoch < seenBefore ? known.lower + 1 : 0;
  const fenceMs = changed || master.fence !== fence ? nowMs : known.fenceMs;
  let next: Known = { ...known, master: { id: masterId, epoch, fence }, fenceMs, highest, lower };
  if (changed) {
    next = { ...next, heardMs: nowMs, heard: false, nobody: 0 };
    if (masterId === null) next = { ...next, mayTakeMs: nowMs + Math.min(known.serverId - 1, TURNS) * TURN_MS };
    const wasLost = master !== null && !planned && masterId !== null && masterId !== master.id;
    if (wasLost) next = onlyHeartbeats(next, nowMs);
  }
  return { known: next, changed, effects: epoch > known.highest ? [{ do: "remember", epoch }] : [] };
}

/** A master was lost and replaced: what led to that is not to be believed again so soon. */
function onlyHeartbeats(known: Known, nowMs: number): Known {
  const { heartbeatsOnlyUntilMs: untilMs, heartbeatsOnlyMs: beforeMs } = known;
  const isRepeated = beforeMs > 0 && nowMs < untilMs + beforeMs;
  const forMs = isRepeated ? Math.min(2 * beforeMs, HEARTBEATS_ONLY_MAX_MS) : HEARTBEATS_ONLY_MS;
  return { ...known, heartbeatsOnlyMs: forMs, heartbeatsOnlyUntilMs: nowMs + forMs };
}

/** An epoch was heard on the bus. Null: it is not the master's, as far as is known. */
export function hear(
  known: Known,
  epoch: number,
  nowMs: number,
): { readonly known: Known; readonly isNews: boolean } | null {
  const { master } = known;
  if (master === null || epoch < master.epoch) return null;
  if (epoch === master.epoch) return { known: { ...known, heardMs: nowMs, heard: true, nobody: 0 }, isNews: false };
  if (epoch > master.epoch + BELIEVABLE) return null;
  return { known: { ...known, highest: Math.max(known.highest, epoch) }, isNews: true };
}

export const isSettled = ({ settledMs }: Facts): boolean => settledMs !== null && settledMs >= SILENCE_MS;

/** Its fence moved no more for as long as a master may be without the schema. */
export const isSchemaSilent = ({ fenceMs }: Known, { nowMs }: Pick<Facts, "nowMs">): boolean =>
  nowMs - fenceMs >= SILENCE_MS;

/**
 * Whoever has heard the master misses it when it falls silent. Whoever has not, because it or its bus has only just come, does not know
 * whether it could have: it goes by the schema as well, until it has waited for long.
 */
export const mayMiss = (known: Known, facts: Pick<Facts, "nowMs">): boolean =>
  known.heard || isSchemaSilent(known, facts) || facts.nowMs - known.heardMs >= UNHEARD_MS;

/** It was said that this master comes back. A later one was not meant; and however often it is said, silence has an end. */
export const isExcused = ({ master, excused, heardMs }: Known, { nowMs }: Pick<Facts, "nowMs">): boolean =>
  master !== null && excused?.epoch === master.epoch && nowMs < Math.min(excused.untilMs, heardMs + EXCUSED_AT_MOST_MS);

/** Nobody answered for the master: a hint, if this sentinel may judge and such hints count now. */
export function countNobody(known: Known, facts: Facts): Known {
  const { nowMs } = facts;
  const { master } = known;
  const counts =
    master !== null &&
    master.id !== null &&
    isSettled(facts) &&
    !isExcused(known, facts) &&
    nowMs >= Math.max(known.heartbeatsOnlyUntilMs, known.quietUntilMs);
  if (!counts) return { ...known, nobody: 0 };
  return known.nobody === 0 ? { ...known, nobody: 1, nobodyMs: nowMs } : { ...known, nobody: known.nobody + 1 };
}

/** The schema names this server, or nobody: there is no one else's mastership to judge. */
export function isOurs({ master, serverId, lower }: Known): boolean {
  return master !== null && lower === 0 && (master.id === null || master.id === serverId);
}

export const isSilent = (known: Known, facts: Facts): boolean =>
  known.master !== null && isSettled(facts) && facts.nowMs - known.heardMs >= SILENCE_MS;

/** An own attempt failed: the next waits, longer each time. */
export function failed(known: Known, { nowMs, jitter }: Facts): Known {
  const grownMs = Math.min(RETRY.maxMs, RETRY.firstMs * 2 ** Math.min(known.failures, 16));
  const mayTakeMs = nowMs + grownMs * (0.8 + 0.4 * jitter);
  return { ...known, failures: known.failures + 1, mayTakeMs, quietUntilMs: mayTakeMs };
}
