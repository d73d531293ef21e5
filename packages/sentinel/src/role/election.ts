/**
 * Who becomes master, as a pure decision: what a sentinel is towards mastership, what happened, what it does now. The
 * compare-and-swap in the schema lets one win; this decides when to try, so that a living master is left alone.
 *
 *   following --hint--> checking --every condition (E1-E4)--> taking --won--> master --lost, deposed, no schema--> following
 *       ^------sign of life------'                             '--lost--> following
 *       |  the schema names us or nobody, or an order: straight to taking
 *       `-- an older epoch than was seen: refusing, until the schema shows a newer one
 *
 * L4 One evidence leads to one attempt. A time-out is no evidence. Who is blind takes nothing from anybody.
 * L5 A master that has not confirmed its epoch in the schema for `SILENCE_MS` has none: it ends its term.
 */
import type { LiveWord } from "@castellan/protocol";
import { beginCheck, judge, nextRound, surveyed, vouched, weigh } from "./check.ts";
import type { Decision, Effect, Election, ElectionEvent, Facts, Known } from "./election-state.ts";
import { countNobody, failed, hear, isOurs, isSilent, LOWER_READS, learn, SILENCE_MS } from "./known.ts";

/** Another member sees the master, or somebody is taking over: no check for this long, milliseconds. */
const QUIET_MS = 1000;
/** A term that lasted this long was a good one: the next wait is short again, milliseconds. */
const GOOD_TERM_MS = 60_000;
/** In a row. */
const HINTS = 2;

type Of<K extends Election["kind"]> = Extract<Election, { readonly kind: K }>;
type EventOf<T extends ElectionEvent["type"]> = Extract<ElectionEvent, { readonly type: T }>;
type Looking = Of<"following"> | Of<"checking">;

/** Total: every state has an answer to every event. */
export function decideElection(state: Election, event: ElectionEvent, facts: Facts): Decision {
  switch (state.kind) {
    case "following":
    case "checking":
      return whileLooking(state, event, facts);
    case "taking":
      return whileTaking(state, event, facts);
    case "master":
      return asMaster(state, event, facts);
    case "refusing":
      return whileRefusing(state, event, facts);
  }
}

function whileLooking(state: Looking, event: ElectionEvent, facts: Facts): Decision {
  switch (event.type) {
    case "Tick":
      return state.kind === "checking" ? nextTick(state, facts) : tick(state, facts);
    case "Read":
      return read(state, event, facts);
    case "Answered":
      return answered(state, event.live, facts);
    case "Beat":
      return heard(state, event.epoch, facts);
    case "Ordered":
      return obey(state.known, event.returns);
    case "Surveyed":
    case "Opined":
    case "Vouched":
      return state.kind === "checking" ? learnt(state, event, facts) : stay(state);
    // Of an attempt that was given up: the schema says what became of it.
    case "Taken":
      return stay(state, { do: "read" });
    case "Challenged":
    case "Lost":
    case "NotTaken":
    case "Deposed":
    case "NotBegun":
      return stay(state);
  }
}

function whileTaking(state: Of<"taking">, event: ElectionEvent, facts: Facts): Decision {
  const { known, ordered } = state;
  const unheard: readonly Effect[] = ordered ? [{ do: "disobeyed", why: "failed" }] : [];
  switch (event.type) {
    case "Read": {
      const learned = learn(known, event, facts);
      return stay({ ...state, known: learned.known }, ...learned.effects);
    }
    // Whoever gives the order hears what becomes of the attempt that is under way.
    case "Ordered":
      return stay({ ...state, ordered: true });
    case "Taken": {
      const { epoch } = event;
      const next: Known = { ...forget(known), highest: Math.max(known.highest, epoch), lower: 0 };
      const obeyed: readonly Effect[] = ordered ? [{ do: "obeyed", epoch }] : [];
      return {
        state: { kind: "master", known: next, epoch, sinceMs: facts.nowMs },
        effects: [{ do: "remember", epoch }, { do: "begin", epoch }, ...obeyed],
      };
    }
    case "Lost":
      return follow(forget(known), { do: "read" }, ...unheard);
    case "NotTaken":
      return follow(failed(known, facts), ...unheard);
    case "Tick":
    case "Answered":
    case "Beat":
    case "Challenged":
    case "Surveyed":
    case "Opined":
    case "Vouched":
    case "Deposed":
    case "NotBegun":
      return stay(state);
  }
}

function asMaster(state: Of<"master">, event: ElectionEvent, facts: Facts): Decision {
  switch (event.type) {
    case "Tick": {
      const isConfirmed = facts.sqlAgeMs !== null && facts.sqlAgeMs <= SILENCE_MS;
      return facts.alone || isConfirmed ? stay(state) : end(state, "the schema does not confirm the epoch", facts);
    }
    case "Read": {
      const { known, effects } = learn(state.known, event, facts);
      const next = { ...state, known };
      if (event.epoch === state.epoch && event.masterId === known.serverId) return stay(next, ...effects);
      const ended = end(next, "the schema names another epoch", facts);
      return { state: ended.state, effects: [...effects, ...ended.effects] };
    }
    case "Beat":
    case "Challenged":
      return event.epoch > state.epoch ? stay(state, { do: "read" }) : stay(state);
    case "Ordered":
      return stay(state, { do: "obeyed", epoch: state.epoch });
    case "Deposed":
      return event.epoch === state.epoch ? end(state, "another has taken over", facts) : stay(state);
    case "NotBegun": {
      if (event.epoch !== state.epoch) return stay(state);
      const next = { ...state, known: failed(state.known, facts), sinceMs: facts.nowMs };
      return end(next, "it could not begin", facts);
    }
    case "Answered":
    case "Surveyed":
    case "Opined":
    case "Vouched":
    case "Taken":
    case "Lost":
    case "NotTaken":
      return stay(state);
  }
}

function whileRefusing(state: Of<"refusing">, event: ElectionEvent, facts: Facts): Decision {
  switch (event.type) {
    case "Read": {
      const { known, effects } = learn(state.known, event, facts);
      if (event.epoch < known.highest) return stay({ ...state, known }, ...effects);
      return follow({ ...known, lower: 0 }, ...effects, { do: "all-clear" }, { do: "read" });
    }
    case "Ordered":
      return stay(state, { do: "disobeyed", why: "backwards" });
    case "Tick":
    case "Answered":
    case "Beat":
    case "Challenged":
    case "Surveyed":
    case "Opined":
    case "Vouched":
    case "Taken":
    case "Lost":
    case "NotTaken":
    case "Deposed":
    case "NotBegun":
      return stay(state);
  }
}

function stay(state: Election, ...effects: Effect[]): Decision {
  return { state, effects };
}
function follow(known: Known, ...effects: Effect[]): Decision {
  return { state: { kind: "following", known }, effects };
}
function take(known: Known): Decision {
  return {
    state: { kind: "taking", known, ordered: false },
    effects: [{ do: "take", handover: "unplanned", returns: false, ifEpoch: known.master?.epoch ?? null }],
  };
}
function obey(known: Known, returns: boolean): Decision {
  return {
    state: { kind: "taking", known, ordered: true },
    effects: [{ do: "take", handover: "planned", returns, ifEpoch: null }],
  };
}
function end({ known, epoch, sinceMs }: Of<"master">, why: string, { nowMs }: Facts): Decision {
  const isGood = nowMs - sinceMs >= GOOD_TERM_MS;
  return follow(forget(isGood ? { ...known, failures: 0 } : known), { do: "end", epoch, why }, { do: "read" });
}
/** What the schema says of us may have changed by what we did: it is asked before anything follows from it. */
function forget(known: Known): Known {
  return { ...known, master: null, nobody: 0 };
}
function quiet(known: Known, { nowMs }: Facts): Known {
  return { ...known, nobody: 0, quietUntilMs: nowMs + QUIET_MS };
}

/** The schema names us, or nobody: ours without a judgement about anybody. */
function takeIfOurs(known: Known, { nowMs }: Facts): Decision | null {
  return isOurs(known) && nowMs >= known.mayTakeMs ? take(known) : null;
}
function tick(state: Of<"following">, facts: Facts): Decision {
  const { known } = state;
  const mayCheck = !isOurs(known) && facts.nowMs >= known.quietUntilMs && isSilent(known, facts);
  return takeIfOurs(known, facts) ?? (mayCheck ? check(known, "silence", facts) : stay(state));
}
function nextTick(state: Of<"checking">, facts: Facts): Decision {
  const round = nextRound(state.check, facts);
  return goOn({ ...state, check: round.check }, facts, round.effects);
}
function read(state: Looking, event: EventOf<"Read">, facts: Facts): Decision {
  const { known, changed, effects } = learn(state.known, event, facts);
  if (known.lower >= LOWER_READS) return refuse(known);
  const next = takeIfOurs(known, facts) ?? (changed ? follow(known) : stay({ ...state, known }));
  return { state: next.state, effects: [...effects, ...next.effects] };
}
function refuse(known: Known): Decision {
  const alarm: Effect = { do: "alarm", shown: known.master?.epoch ?? 0, seen: known.highest };
  return { state: { kind: "refusing", known }, effects: [alarm] };
}
/** A sign of life on the bus, if it is the master's, or news of a later one. */
function heard(state: Looking, epoch: number, { nowMs }: Facts): Decision {
  const sign = hear(state.known, epoch, nowMs);
  if (sign === null) return stay(state);
  return sign.isNews ? follow(sign.known, { do: "read" }) : follow(sign.known);
}
function answered(state: Looking, live: LiveWord, facts: Facts): Decision {
  switch (live.word) {
    case "master":
      return heard(state, live.epoch, facts);
    case "candidate":
      return follow(quiet(state.known, facts));
    case "silence":
      return stay({ ...state, known: { ...state.known, nobody: 0 } });
    case "nobody": {
      const known = countNobody(state.known, facts);
      if (state.kind === "checking") return goOn({ ...state, known }, facts);
      return known.nobody >= HINTS ? check(known, "nobody", facts) : follow(known);
    }
  }
}
function check(known: Known, evidence: "nobody" | "silence", facts: Facts): Decision {
  const begun = beginCheck(known, evidence, facts);
  return { state: { kind: "checking", known, check: begun.check }, effects: begun.effects };
}
function learnt(state: Of<"checking">, event: EventOf<"Surveyed" | "Opined" | "Vouched">, facts: Facts): Decision {
  const { known } = state;
  switch (event.type) {
    case "Surveyed": {
      const isNews = event.epoch !== known.master?.epoch || event.masterId !== known.master.id;
      if (isNews) return follow(known, { do: "read" });
      const { check: seen, effects } = surveyed(state.check, known, event, facts);
      return goOn({ ...state, check: seen }, facts, effects);
    }
    case "Opined": {
      const weight = weigh(state.check, known, event, facts);
      if (weight === "sees it") return follow(quiet(known, facts), { do: "read" });
      return weight === "agrees" ? goOn({ ...state, check: { ...state.check, agreed: true } }, facts) : stay(state);
    }
    case "Vouched":
      return goOn({ ...state, ...vouched(state.check, known, event.word, facts) }, facts);
  }
}
/** Goes on with a check; to its end, if all conditions hold. */
function goOn(state: Of<"checking">, facts: Facts, effects: readonly Effect[] = []): Decision {
  const verdict = judge(state.check, state.known, facts);
  if (verdict === "drop") return follow({ ...state.known, nobody: 0 });
  // The evidence is used up, whatever becomes of the attempt.
  if (verdict === "take") return take({ ...state.known, nobody: 0, heardMs: facts.nowMs });
  return { state, effects };
}
