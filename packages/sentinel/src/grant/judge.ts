/**
 * The master's side: whether what a server ran under its grant is certainly over, so that it may be started elsewhere. Pure.
 *
 * | the row                          | answer                                                                     |
 * |----------------------------------|----------------------------------------------------------------------------|
 * | none, and no sentinel ever       | over: it has never run anything                                            |
 * | none                             | no: what it runs was started without one                                   |
 * | renewed within period and margin | not before that time; it may be renewed again                              |
 * | silent longer                    | revoke it, then ask                                                        |
 * | revoked, too few refusals        | no, unless the fence command or a person says so                           |
 * | revoked, enough refusals         | not before period and margin after the last sign of it, then over          |
 * | revoked and ended                | over                                                                       |
 *
 * W1 What a renewal was sent is before we saw it in the row, and before a member confirmed it: both ends are measured on our
 *    own clock from what we have seen, or a member says it was long ago.
 * W2 A revocation holds only if nothing was renewed since we looked; after it nothing is.
 */
import { type Grant, marginMs, refusalsNeeded } from "./terms.ts";

/** What this master has seen of a grant: the renewal, and when it had read it first; boot-time milliseconds. */
export interface SeenGrant {
  readonly generation: number;
  readonly renewals: number;
  readonly atMs: number;
}

/** `atMs`: before this the member can have confirmed something, after it no more. */
export interface Refusal {
  readonly generation: number;
  readonly atMs: number;
}

export type Over =
  | { readonly kind: "over"; readonly how: string }
  | { readonly kind: "not-before"; readonly inMs: number; readonly why: string }
  | { readonly kind: "no"; readonly why: string };

export type Judgement = Over | { readonly kind: "revoke" } | { readonly kind: "ended" };

/** To be called with every look at the rows; `nowMs`: after it. */
export function observe(
  seen: ReadonlyMap<number, SeenGrant>,
  grants: readonly Grant[],
  nowMs: number,
): ReadonlyMap<number, SeenGrant> {
  return new Map(
    grants.map(({ serverId, generation, renewals }) => {
      const before = seen.get(serverId);
      const isSame = before !== undefined && before.generation === generation && before.renewals === renewals;
      return [serverId, isSame ? before : { generation, renewals, atMs: nowMs }];
    }),
  );
}

export interface Evidence {
  readonly grant: Grant | null;
  readonly hasEverRun: boolean;
  readonly seen: SeenGrant | null;
  /** By member. */
  readonly refusals: ReadonlyMap<number, Refusal>;
}

/** `revoke` and `ended` are to be written, fenced, before anything is answered. */
export function judge({ grant, hasEverRun, seen, refusals }: Evidence, nowMs: number): Judgement {
  if (grant === null) {
    return hasEverRun
      ? { kind: "no", why: "it has started its processes without a grant, before the node had several servers" }
      : { kind: "over", how: "never" };
  }
  if (grant.isRevoked && grant.ended !== null) return { kind: "over", how: grant.ended };
  if (seen === null || seen.generation !== grant.generation) {
    return { kind: "not-before", inMs: waitMs(grant), why: "it has not been watched for long enough" };
  }
  const quietAtMs = seen.atMs + waitMs(grant);
  if (!grant.isRevoked) {
    return nowMs >= quietAtMs
      ? { kind: "revoke" }
      : { kind: "not-before", inMs: quietAtMs - nowMs, why: "its grant was renewed a short while ago" };
  }
  const others = grant.terms.members.filter((id) => id !== grant.serverId);
  const valid = others.flatMap((id) => {
    const refusal = refusals.get(id);
    return refusal?.generation === grant.generation ? [refusal.atMs] : [];
  });
  const needed = refusalsNeeded(grant.terms.members);
  if (valid.length < needed) {
    const missing = needed - valid.length;
    return { kind: "no", why: `${missing} more of its members must say that they do not confirm it` };
  }
  const overAtMs = Math.max(seen.atMs, ...valid) + waitMs(grant);
  if (nowMs >= overAtMs) return { kind: "ended" };
  return { kind: "not-before", inMs: overAtMs - nowMs, why: "its processes may run until their grant has ended" };
}

const waitMs = ({ terms }: Grant): number => terms.periodMs + marginMs(terms.periodMs);
