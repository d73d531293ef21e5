/** What a grant says, and the times that hold for everybody who deals with one. Pure. */
import type { Row } from "@castellan/store";
import { z } from "zod";

export interface Terms {
  /** Ids of the servers that may confirm it, ascending. */
  readonly members: readonly number[];
  /** ISOLATION_STOP_PERIOD, milliseconds. */
  readonly periodMs: number;
}

/** A row of `server_grant` as far as it decides something. */
export interface Grant {
  readonly serverId: number;
  readonly generation: number;
  readonly terms: Terms;
  readonly renewals: number;
  readonly isRevoked: boolean;
  readonly ended: string | null;
  readonly fencing: string | null;
}

const Members = z.array(z.int());

/** A list of members that cannot be read is one that nobody can confirm. */
export function parseGrant(row: Row<"server_grant">): Grant {
  return {
    serverId: row.logical_machine_id,
    generation: row.generation,
    terms: { members: parseMembers(row.members), periodMs: row.period_ms },
    renewals: row.renewals,
    isRevoked: row.revoked,
    ended: row.ended,
    fencing: row.fencing,
  };
}

function parseMembers(text: string): number[] {
  try {
    return Members.parse(JSON.parse(text));
  } catch {
    return [];
  }
}

export const sameTerms = (a: Terms, b: Terms): boolean =>
  a.periodMs === b.periodMs &&
  a.members.length === b.members.length &&
  a.members.every((id, at) => id === b.members[at]);

/** More than half. */
export const isMajority = (confirmed: ReadonlySet<number>, members: readonly number[]): boolean =>
  members.filter((id) => confirmed.has(id)).length * 2 > members.length;

/** How many of `members` must have refused so that the rest is no majority. */
export const refusalsNeeded = (members: readonly number[]): number => members.length - Math.floor(members.length / 2);

/** How long before the end of a grant its processes are asked to stop, milliseconds. */
export const stopLeadMs = (periodMs: number): number => Math.min(5000, periodMs / 4);

/** How long before the end of a grant the guard kills what is left, milliseconds: it looks once a second, and killing takes time. */
export const killLeadMs = (periodMs: number): number => Math.min(1000, periodMs / 10);

/**
 * How much longer than the period others wait, milliseconds: two clocks that differ by one in a thousand, and a guard on a
 * machine so busy that it is a second late in spite of its lead.
 */
export const marginMs = (periodMs: number): number => 2000 + periodMs / 500;
