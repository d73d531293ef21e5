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
import type { Decision, Effect, Election, ElectionEvent, ElectionOf, Facts, Known } from "./election-state.ts";
import { failed, learn, SILENCE_MS } from "./known.ts";
import { whileLooking } from "./looking.ts";
import { follow, stay } from "./move.ts";

/** A term that lasted this long was a good one: the next wait is short again, milliseconds. */
const GOOD_TERM_MS = 60_000;

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

function whileTaking(state: ElectionOf<"taking">, event: ElectionEvent, facts: Facts): Decision {
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
    case "Excused":
    case "Surveyed":
    case "Opined":
    case "Vouched":
    case "Deposed":
    case "NotBegun":
      return stay(state);
  }
}

function asMaster(state: ElectionOf<"master">, event: ElectionEvent, facts: Facts): Decision {
  switch (event.type) {
    case "Tick": {
      const isConfirmed = facts.sqlAgeMs !== null && facts.sqlAgeMs <= SILENCE_MS;
      return facts.alone || isConfirmed ? stay(state) : end(state, "the schema does not confirm the epoch", facts);
    }
    case "Read": {
      // The schema was asked before this epoch was taken: that says nothing against it.
      if (event.epoch < state.epoch && event.seenBefore < state.epoch) return stay(state);
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
    case "Excused":
    case "Surveyed":
    case "Opined":
    case "Vouched":
    case "Taken":
    case "Lost":
    case "NotTaken":
      return stay(state);
  }
}

function whileRefusing(state: ElectionOf<"refusing">, event: ElectionEvent, facts: Facts): Decision {
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
    case "Excused":
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

function end({ known, epoch, sinceMs }: ElectionOf<"master">, why: string, { nowMs }: Facts): Decision {
  const isGood = nowMs - sinceMs >= GOOD_TERM_MS;
  return follow(forget(isGood ? { ...known, failures: 0 } : known), { do: "end", epoch, why }, { do: "read" });
}
/** What the schema says of us may have changed by what we did: it is asked before anything follows from it. */
function forget(known: Known): Known {
  return { ...known, master: null, nobody: 0 };
}
