/**
 * What this master has seen of the servers since its term began, measured on its own clock: how long one has been missing,
 * and whether it has shown itself. The times in the rows are for people. Pure.
 */
import type { ServerState } from "@castellan/protocol";

/** What the rows say of a server; the store's `ServerView` is one. */
export interface SeenServer {
  readonly id: number;
  readonly name: string;
  readonly state: ServerState;
  readonly lastSeen: Date | null;
  readonly incarnation: number | null;
  /** It is gone without having been taken down in order. */
  readonly isMissed: boolean;
}

/** Of one server. */
export interface Sight {
  readonly name: string;
  readonly state: ServerState;
  /** Since when it is in this state without a break, boot-time milliseconds. */
  readonly sinceMs: number;
  /** Its first sign of life in this term; another one afterwards shows that it lives. */
  readonly firstSign: string;
  readonly hasShownItself: boolean;
  /** Its latest sign of life in the schema, and when that was seen first; boot-time milliseconds. */
  readonly sign: string;
  readonly signAtMs: number;
  readonly isMissed: boolean;
}

export type Sights = ReadonlyMap<number, Sight>;

/** A server that is down this long gets no answer to its steps any more, milliseconds. */
export const LOST_AFTER_MS = 5000;
/** Nor does one that may be down, this long after its last sign: who writes to the schema takes its steps there, also without the bus. */
export const SUSPECT_LOST_AFTER_MS = 60_000;

export function lookAt(servers: readonly SeenServer[], before: Sights, nowMs: number): Sights {
  return new Map(
    servers.map((server): [number, Sight] => {
      const { id, name, state, isMissed, incarnation, lastSeen } = server;
      const sign = `${incarnation ?? 0} ${lastSeen?.getTime() ?? 0}`;
      const known = before.get(id);
      const sinceMs = known?.state === state ? known.sinceMs : nowMs;
      const firstSign = known?.firstSign ?? sign;
      const hasShownItself = (known?.hasShownItself ?? false) || sign !== firstSign;
      const signAtMs = known?.sign === sign ? known.signAtMs : nowMs;
      return [id, { name, state, sinceMs, firstSign, hasShownItself, sign, signAtMs, isMissed }];
    }),
  );
}

/** Nobody waits for it any more. A server that is no member of the node is lost at once. */
export function isLost(sight: Sight | undefined, nowMs: number): boolean {
  if (sight === undefined) return true;
  const forMs = nowMs - sight.sinceMs;
  switch (sight.state) {
    case "up":
      return false;
    case "suspect":
      return Math.min(forMs, nowMs - sight.signAtMs) >= SUSPECT_LOST_AFTER_MS;
    case "down":
    case "isolated":
      return forMs >= LOST_AFTER_MS;
  }
}
