/** How long to wait before trying again: growing, bounded, spread by jitter. */
import type { Rng } from "./rng.ts";

export interface Backoff {
  readonly firstMs: number;
  readonly maxMs: number;
  /** Default 2. */
  readonly factor?: number;
  /** The share of the delay that is random, 0..1. Default 0.2. */
  readonly jitter?: number;
}

/** The delay before attempt `attempt` (0 = the first retry), milliseconds. */
export function backoffMs(policy: Backoff, attempt: number, rng: Pick<Rng, "next">): number {
  const grown = Math.min(policy.maxMs, policy.firstMs * (policy.factor ?? 2) ** Math.min(attempt, 64));
  const jitter = policy.jitter ?? 0.2;
  return Math.min(policy.maxMs, grown * (1 - jitter + 2 * jitter * rng.next()));
}
