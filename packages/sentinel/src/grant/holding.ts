/** What a server knows of its own grant, and what follows from it: whether it is alone, until when it may run anything. */
import { type Grant, isMajority, stopLeadMs, type Terms } from "./terms.ts";

/** A write that was sent, as the schema would show it. */
export interface Sent {
  readonly sentMs: number;
  readonly generation: number;
  readonly renewals: number;
  readonly terms: Terms;
}

export interface HolderState {
  readonly serverId: number;
  readonly row: "unknown" | "absent" | "current" | "revoked";
  /** 0: none yet. */
  readonly generation: number;
  readonly renewals: number;
  /** What may be in the schema, of this generation. */
  readonly terms: readonly Terms[];
  /** When the last confirmed renewal was sent; boot-time milliseconds. */
  readonly confirmedMs: number;
  /** What an earlier worker of this boot left behind, until the row is read. */
  readonly remembered: { readonly generation: number; readonly endMs: number } | null;
  /** The processes were told to stop since the grant was last in force. */
  readonly isEnding: boolean;
  /** Nothing of this generation runs, nor will. */
  readonly isSwept: boolean;
  /** The one access to the schema under way; without `write` a look. */
  readonly access: { readonly id: number; readonly sentMs: number; readonly write: Sent | null } | null;
  /** The last write whose fate is not known: the row is looked at before the next. */
  readonly doubt: Sent | null;
  /** When something was last tried, and when the schema last took a write. */
  readonly triedMs: number;
  readonly writtenMs: number;
  /** The latest question to the members. */
  readonly round: { readonly id: number; readonly sentMs: number; readonly confirmed: ReadonlySet<number> } | null;
  readonly lastId: number;
}

export type HolderEvent =
  | { readonly type: "tick"; readonly wanted: Terms }
  | { readonly type: "read"; readonly id: number; readonly row: Grant | null }
  /** Written: renewed or taken. */
  | { readonly type: "written"; readonly id: number }
  /** The schema says no: the row is not what we believed. */
  | { readonly type: "refused"; readonly id: number }
  /** The schema does not say: it is away, or the answer was lost. */
  | { readonly type: "failed"; readonly id: number }
  | { readonly type: "confirmed"; readonly id: number; readonly member: number }
  /** After the end: every instance is stopped or held, and no process of one was found. */
  | { readonly type: "swept"; readonly generation: number };

export type HolderEffect =
  | { readonly kind: "read"; readonly id: number }
  /** `renewals`: the number that is in the row; it becomes the next. */
  | {
      readonly kind: "renew";
      readonly id: number;
      readonly generation: number;
      readonly renewals: number;
      readonly terms: Terms;
    }
  /** `from`: the revoked generation it follows; 0 = there is no row. */
  | { readonly kind: "take"; readonly id: number; readonly from: number; readonly terms: Terms }
  | { readonly kind: "ask"; readonly id: number; readonly generation: number; readonly members: readonly number[] }
  /** For the guard, before anything that follows. Infinity: there is nothing to guard. */
  | { readonly kind: "end-at"; readonly endMs: number; readonly generation: number; readonly periodMs: number }
  /** Stop what runs under the grant, in order; it is started again by the master. */
  | { readonly kind: "stop-processes" }
  | { readonly kind: "sweep"; readonly generation: number };

export interface HolderDecision {
  readonly state: HolderState;
  readonly effects: readonly HolderEffect[];
}

export function beginHolding(serverId: number, remembered: HolderState["remembered"]): HolderState {
  return {
    serverId,
    row: "unknown",
    generation: 0,
    renewals: 0,
    terms: [],
    confirmedMs: Number.NEGATIVE_INFINITY,
    remembered,
    isEnding: remembered === null,
    isSwept: false,
    access: null,
    doubt: null,
    triedMs: Number.NEGATIVE_INFINITY,
    writtenMs: Number.NEGATIVE_INFINITY,
    round: null,
    lastId: 0,
  };
}

/** Whether we are a majority by ourselves, whichever terms hold. */
export function isAlone({ row, terms, serverId }: HolderState): boolean {
  // A first grant that was sent may be in the schema, whatever became of the answer.
  if (row === "absent") return terms.length === 0;
  const own = new Set([serverId]);
  return row === "current" && terms.length > 0 && terms.every(({ members }) => isMajority(own, members));
}

/** Until when the processes may run; -Infinity: there is no grant. */
export function endOf(state: HolderState): number {
  if (state.row === "unknown") return state.remembered?.endMs ?? Number.NEGATIVE_INFINITY;
  if (isAlone(state)) return Number.POSITIVE_INFINITY;
  return state.confirmedMs + periodOf(state);
}

export const periodOf = ({ terms }: HolderState): number =>
  terms.length === 0 ? 0 : Math.min(...terms.map(({ periodMs }) => periodMs));

/** Not revoked as far as we know, and not so near its end that the processes must be stopped. */
export const isInForce = (state: HolderState, nowMs: number): boolean =>
  state.row !== "revoked" && nowMs < endOf(state) - stopLeadMs(periodOf(state));

/** Whether something may be started now. */
export const mayLaunch = (state: HolderState, nowMs: number): boolean =>
  state.row !== "unknown" && isInForce(state, nowMs);
