/** Slaves: following a master, or checking whether it is gone. Part of `election.ts`. */
import type { LiveWord } from "@castellan/protocol";
import { beginCheck, judge, nextRound, surveyed, vouched, weigh } from "./check.ts";
import type { Decision, Effect, ElectionEvent, ElectionEventOf, ElectionOf, Facts, Known } from "./election-state.ts";
import { countNobody, hear, isExcused, isOurs, isSilent, LOWER_READS, learn } from "./known.ts";
import { follow, stay } from "./move.ts";

/** Another member sees the master, or somebody is taking over: no check for this long, milliseconds. */
const QUIET_MS = 1000;
/** In a row. */
const HINTS = 2;

type Looking = ElectionOf<"following"> | ElectionOf<"checking">;

export function whileLooking(state: Looking, event: ElectionEvent, facts: Facts): Decision {
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
    case "Excused":
      return excuse(state, event, facts);
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
/** Whoever follows another master waits for that one. */
function excuse(state: Looking, { epoch, forMs }: ElectionEventOf<"Excused">, { nowMs }: Facts): Decision {
  if (state.known.master?.epoch !== epoch) return stay(state);
  return follow({ ...state.known, nobody: 0, excused: { epoch, untilMs: nowMs + forMs } });
}
function quiet(known: Known, { nowMs }: Facts): Known {
  return { ...known, nobody: 0, quietUntilMs: nowMs + QUIET_MS };
}

/** The schema names us, or nobody: ours without a judgement about anybody. */
function takeIfOurs(known: Known, { nowMs }: Facts): Decision | null {
  return isOurs(known) && nowMs >= known.mayTakeMs ? take(known) : null;
}
function tick(state: ElectionOf<"following">, facts: Facts): Decision {
  const { known } = state;
  const mayCheck =
    !isOurs(known) && !isExcused(known, facts) && facts.nowMs >= known.quietUntilMs && isSilent(known, facts);
  return takeIfOurs(known, facts) ?? (mayCheck ? check(known, "silence", facts) : stay(state));
}
function nextTick(state: ElectionOf<"checking">, facts: Facts): Decision {
  const round = nextRound(state.check, facts);
  return goOn({ ...state, check: round.check }, facts, round.effects);
}
function read(state: Looking, event: ElectionEventOf<"Read">, facts: Facts): Decision {
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
function learnt(
  state: ElectionOf<"checking">,
  event: ElectionEventOf<"Surveyed" | "Opined" | "Vouched">,
  facts: Facts,
): Decision {
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
function goOn(state: ElectionOf<"checking">, facts: Facts, effects: readonly Effect[] = []): Decision {
  const verdict = judge(state.check, state.known, facts);
  if (verdict === "drop") return follow({ ...state.known, nobody: 0 });
  // The evidence is used up, whatever becomes of the attempt.
  if (verdict === "take") return take({ ...state.known, nobody: 0, heardMs: facts.nowMs });
  return { state, effects };
}
