/** What a member says to another that asks whether it sees the master. Pure. */
import type { LiveWord } from "@castellan/protocol";
import type { Election, Facts, Opinion } from "./election-state.ts";
import { isSettled, mayMiss } from "./known.ts";

/**
 * `word`: the answer to its own question. What it sees it says as soon as its own affairs are in order; that it sees nobody
 * counts only when it would miss the master itself.
 */
export function opine(state: Election, word: LiveWord, facts: Facts): Opinion {
  const { known } = state;
  const isMaster = state.kind === "master";
  const live: LiveWord = isMaster ? { word: "master", epoch: state.epoch } : word;
  return {
    settled: isSettled(facts) && (live.word === "master" || mayMiss(known, facts)),
    epoch: isMaster ? state.epoch : (known.master?.epoch ?? null),
    live,
    heardAgoMs: known.master === null ? null : Math.max(0, facts.nowMs - known.heardMs),
  };
}
