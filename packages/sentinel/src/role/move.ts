/** The ends of most decisions of the election. */
import type { Decision, Effect, Election, Known } from "./election-state.ts";

export function stay(state: Election, ...effects: Effect[]): Decision {
  return { state, effects };
}
export function follow(known: Known, ...effects: Effect[]): Decision {
  return { state: { kind: "following", known }, effects };
}
