/**
 * What the master makes of each server's signs of life. Pure. Two things speak for a server: heartbeats on the bus, and the
 * sign in its row of the shared schema; each is silent, or cannot be judged.
 *
 * | bus \ schema            | fresh   | not yet known | silent  |
 * |-------------------------|---------|---------------|---------|
 * | heard                   | up      | up            | suspect |
 * | quiet for `SUSPECT_MS`  | suspect | suspect       | suspect |
 * | silent for `SILENT_MS`  | suspect | suspect       | down    |
 * | own link not settled    | up      | as recorded   | as recorded |
 *
 * V2 Only changes that the master sees itself count, measured on its own clock: the times in the rows are for people.
 * V3 Who is blind judges nobody: a silence begins with the term, when the own link was there, or the schema could be read, at the earliest;
 *    and a link counts when it has been there for as long as makes a server suspect.
 * V4 Life needs no waiting: a new sign is believed at once. What ended in order is down as soon as it is quiet.
 * V5 `isolated`: it lives, but its grant was revoked while it was missed: it ends what runs only once in the node, and is up
 *    when it has taken the next grant. A sentinel that has begun since then is not cut off.
 */
import type { ServerState } from "@castellan/protocol";

/** A heartbeat comes once a second: without one for this long a server is suspect, milliseconds. */
export const SUSPECT_MS = 3000;
/** Silent on both ways for this long a server is down; three signs in the schema are missing then. Milliseconds. */
export const SILENT_MS = 15_000;

/** What is there to see of one server. */
export interface ServerSigns {
  readonly id: number;
  /** Which sentinel of it wrote, and when it says it did. Null: it never had one. */
  readonly sign: string | null;
  /** Its sentinel has ended in order. */
  readonly hasEnded: boolean;
  /** The grant that this sentinel held is revoked. */
  readonly isIsolated: boolean;
  /** When its last heartbeat was heard, boot-time milliseconds. */
  readonly heardAtMs: number | null;
  readonly recorded: ServerState;
}

interface Seen {
  readonly sign: string;
  /** When that was new, or first seen at all. */
  readonly atMs: number;
  /** It was seen to change: somebody writes it. */
  readonly isFresh: boolean;
}

/** By server. Begins empty, and again after every look that failed. */
export type Roll = ReadonlyMap<number, Seen>;

export type BusSign = "heard" | "quiet" | "silent" | "blind";
export type SchemaSign = "fresh" | "unknown" | "silent";

const VERDICTS: Readonly<Record<BusSign, Readonly<Record<SchemaSign, ServerState | null>>>> = {
  heard: { fresh: "up", unknown: "up", silent: "suspect" },
  quiet: { fresh: "suspect", unknown: "suspect", silent: "suspect" },
  silent: { fresh: "suspect", unknown: "suspect", silent: "down" },
  blind: { fresh: "up", unknown: null, silent: null },
};

/** `linkSinceMs`: since when the own link to the bus is there without a break; null = it is not. */
export function busSign(heardAtMs: number | null, linkSinceMs: number | null, nowMs: number): BusSign {
  if (linkSinceMs === null) return "blind";
  if (heardAtMs !== null && nowMs - heardAtMs < SUSPECT_MS) return "heard";
  if (nowMs - linkSinceMs < SUSPECT_MS) return "blind";
  return nowMs - Math.max(heardAtMs ?? linkSinceMs, linkSinceMs) < SILENT_MS ? "quiet" : "silent";
}

function schemaSign({ atMs, isFresh }: Seen, nowMs: number): SchemaSign {
  if (nowMs - atMs >= SILENT_MS) return "silent";
  return isFresh ? "fresh" : "unknown";
}

/** Null = as it is recorded. */
export function judge(
  bus: BusSign,
  schema: SchemaSign,
  { hasEnded, isIsolated, recorded }: Pick<ServerSigns, "hasEnded" | "isIsolated" | "recorded">,
): ServerState | null {
  if (hasEnded && bus !== "heard") return "down";
  const verdict = VERDICTS[bus][schema];
  // One that was missed has to come back: that it is not entirely silent yet is no sign of it.
  const isAbsent = recorded === "down" || recorded === "isolated";
  if (isAbsent && verdict === "suspect" && bus !== "heard" && schema !== "fresh") return null;
  return isIsolated && (verdict === "up" || verdict === "suspect") ? "isolated" : verdict;
}

/** What is known now, which servers are no longer what is recorded of them, and which this master itself has found down. */
export function callRoll(
  known: Roll,
  servers: readonly ServerSigns[],
  linkSinceMs: number | null,
  nowMs: number,
): {
  readonly known: Roll;
  readonly changes: ReadonlyMap<number, ServerState>;
  readonly foundDown: ReadonlySet<number>;
} {
  const next = new Map<number, Seen>();
  const changes = new Map<number, ServerState>();
  const foundDown = new Set<number>();
  for (const server of servers) {
    if (server.sign === null) continue; // never was there: nothing to judge
    const before = known.get(server.id);
    const seen: Seen =
      before === undefined
        ? { sign: server.sign, atMs: nowMs, isFresh: false }
        : before.sign === server.sign
          ? before
          : { sign: server.sign, atMs: nowMs, isFresh: true };
    next.set(server.id, seen);
    const state = judge(busSign(server.heardAtMs, linkSinceMs, nowMs), schemaSign(seen, nowMs), server);
    if (state === "down") foundDown.add(server.id);
    if (state !== null && state !== server.recorded) changes.set(server.id, state);
  }
  return { known: next, changes, foundDown };
}
