/**
 * What a system does about a singleton: a pure decision, so that the hand-over can be checked for every order of events.
 *
 * 1. A system hosts at most one instance, and only for an epoch that it holds as far as it knows.
 * 2. The highest epoch heard of never falls: old news is ignored.
 * 3. The next instance starts when the one before it here is gone.
 * 4. While nobody holds the epoch, the system tries to take it, one attempt at a time.
 */
import type { Claim } from "./epoch-port.ts";

export interface SingletonState {
  /** The highest epoch heard of. */
  readonly seen: number;
  /** The epoch held here, if it is the highest. */
  readonly held: number | null;
  /** The epoch of the instance that lives here, also while it stops. */
  readonly hosted: number | null;
  readonly stopping: boolean;
  /** Nobody holds the epoch. */
  readonly vacant: boolean;
  /** An attempt to take it, or the pause before the next, is under way. */
  readonly trying: boolean;
}

export type SingletonEvent =
  | { readonly type: "Claimed"; readonly claim: Claim | null }
  /** A message came for a later epoch than the one held here. */
  | { readonly type: "Outdated"; readonly epoch: number }
  | { readonly type: "InstanceGone"; readonly epoch: number }
  /** The attempt is over, whatever came of it, and so is the pause after it. */
  | { readonly type: "TryAgain" };

export type SingletonEffect =
  | { readonly kind: "start"; readonly epoch: number }
  | { readonly kind: "stop" }
  | { readonly kind: "acquire" }
  /** The instance has ended by itself: let another system try. */
  | { readonly kind: "release"; readonly epoch: number };

export interface SingletonDecision {
  readonly state: SingletonState;
  readonly effects: readonly SingletonEffect[];
}

export const initialSingleton: SingletonState = {
  seen: 0,
  held: null,
  hosted: null,
  stopping: false,
  vacant: false,
  trying: false,
};

/** Pure and total. `self` is the host name of this system. */
export function decideSingleton(state: SingletonState, event: SingletonEvent, self: string): SingletonDecision {
  switch (event.type) {
    case "Claimed":
      return settle(claimed(state, event.claim, self));
    case "Outdated":
      return settle(event.epoch > state.seen ? { ...state, seen: event.epoch, held: null } : state);
    case "InstanceGone":
      return instanceGone(state, event.epoch);
    case "TryAgain":
      return settle({ ...state, trying: false });
  }
}

function claimed(state: SingletonState, claim: Claim | null, self: string): SingletonState {
  if (claim === null) return { ...state, held: null, vacant: true };
  if (claim.epoch < state.seen) return state;
  return { ...state, seen: claim.epoch, held: claim.holder === self ? claim.epoch : null, vacant: false };
}

function instanceGone(state: SingletonState, epoch: number): SingletonDecision {
  if (state.hosted !== epoch) return { state, effects: [] };
  const gone = { ...state, hosted: null, stopping: false };
  if (state.held !== epoch) return settle(gone);
  // It was not told to end. Starting it here again is what supervision is for, and that has given up.
  const { state: next, effects } = settle({ ...gone, held: null, trying: true });
  return { state: next, effects: [{ kind: "release", epoch }, ...effects] };
}

/** What is to be done so that what is hosted is what is held. */
function settle(state: SingletonState): SingletonDecision {
  if (state.hosted !== null && state.hosted !== state.held) {
    return { state: { ...state, stopping: true }, effects: state.stopping ? [] : [{ kind: "stop" }] };
  }
  if (state.hosted === null && state.held !== null) {
    return { state: { ...state, hosted: state.held }, effects: [{ kind: "start", epoch: state.held }] };
  }
  if (state.vacant && !state.trying && state.hosted === null) {
    return { state: { ...state, trying: true }, effects: [{ kind: "acquire" }] };
  }
  return { state, effects: [] };
}
