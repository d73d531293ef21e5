/** States and events of the election, by name, for its tests. */

import { decideElection } from "../../src/role/election.ts";
import type { Election, ElectionEvent, ElectionEventOf, Facts, Known, Survey } from "../../src/role/election-state.ts";
import { nothingKnown } from "../../src/role/known.ts";

/** This server, the master, and two more. */
export const US = 2;
export const MASTER = 1;
export const OTHER = 3;
export const NOW = 100_000;

export const facts = (change: Partial<Facts> = {}): Facts => ({
  nowMs: NOW,
  settledMs: 60_000,
  sqlAgeMs: 100,
  alone: false,
  jitter: 0,
  ...change,
});
export const known = (change: Partial<Known> = {}): Known => ({
  ...nothingKnown(US, 5, NOW - 60_000),
  master: { id: MASTER, epoch: 5, fence: 1 },
  heardMs: NOW - 200,
  heard: true,
  ...change,
});
export const survey = (members: readonly number[], change: Partial<Survey> = {}): ElectionEvent => ({
  type: "Surveyed",
  epoch: 5,
  masterId: MASTER,
  members: members.map((id) => ({ id, sign: "1", gone: false })),
  ...change,
});

/** Plays events, each so many milliseconds after the last, and keeps what was done. */
export class Play {
  state: Election;
  facts: Facts;
  readonly done: string[] = [];

  constructor(state: Election = { kind: "following", known: known() }, start: Facts = facts()) {
    this.state = state;
    this.facts = start;
  }
  at(afterMs: number, event: ElectionEvent, change: Partial<Facts> = {}): this {
    this.facts = { ...this.facts, nowMs: this.facts.nowMs + afterMs, ...change };
    const { state, effects } = decideElection(this.state, event, this.facts);
    this.state = state;
    this.done.push(...effects.map((effect) => effect.do));
    return this;
  }
  get takes(): number {
    return this.done.filter((effect) => effect === "take").length;
  }
}

export const nobody: ElectionEvent = { type: "Answered", live: { word: "nobody" } };
export const silence: ElectionEvent = { type: "Answered", live: { word: "silence" } };
export const candidate: ElectionEvent = { type: "Answered", live: { word: "candidate" } };
export const alive = (epoch = 5): ElectionEvent => ({ type: "Answered", live: { word: "master", epoch } });
export const tick: ElectionEvent = { type: "Tick" };
export const agrees: ElectionEventOf<"Opined"> = {
  type: "Opined",
  settled: true,
  epoch: 5,
  live: { word: "nobody" },
  heardAgoMs: 5000,
};
export const read = (epoch: number, masterId: number | null, seenBefore = epoch, fence = 1): ElectionEvent => ({
  type: "Read",
  epoch,
  masterId,
  planned: false,
  fence,
  seenBefore,
});
