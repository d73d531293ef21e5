/**
 * A member's side of the grants of others: confirms a renewal, or refuses it. Pure.
 *
 * B1 Who has refused a generation once refuses it for ever, and every earlier one.
 * B2 Nothing is confirmed before the revocations in the schema were read: what an earlier worker of this server refused was
 *    revoked there first.
 */
import type { Grant } from "./terms.ts";

export interface MemberState {
  /** Boot-time milliseconds. */
  readonly beganMs: number;
  readonly hasRead: boolean;
  /** By server: the highest generation that is refused, and when one was last confirmed. */
  readonly refused: ReadonlyMap<number, number>;
  readonly confirmedMs: ReadonlyMap<number, number>;
}

export const beginMember = (nowMs: number): MemberState => ({
  beganMs: nowMs,
  hasRead: false,
  refused: new Map(),
  confirmedMs: new Map(),
});

export function rowsRead(state: MemberState, grants: readonly Grant[]): MemberState {
  const refused = new Map(state.refused);
  for (const { serverId, generation, isRevoked } of grants) {
    if (isRevoked) refused.set(serverId, Math.max(generation, refused.get(serverId) ?? 0));
  }
  return { ...state, hasRead: true, refused };
}

export function confirm(
  state: MemberState,
  server: number,
  generation: number,
  nowMs: number,
): { readonly state: MemberState; readonly isConfirmed: boolean } {
  if (!state.hasRead || generation <= (state.refused.get(server) ?? 0)) return { state, isConfirmed: false };
  return {
    state: { ...state, confirmedMs: new Map(state.confirmedMs).set(server, nowMs) },
    isConfirmed: true,
  };
}

export function refuse(state: MemberState, server: number, generation: number): MemberState {
  const refused = Math.max(generation, state.refused.get(server) ?? 0);
  return { ...state, refused: new Map(state.refused).set(server, refused) };
}

/** How long ago we, or an earlier worker that we know nothing of, can last have confirmed anything of this server; milliseconds. */
export const quietFor = (state: MemberState, server: number, nowMs: number): number =>
  nowMs - (state.confirmedMs.get(server) ?? state.beganMs);
