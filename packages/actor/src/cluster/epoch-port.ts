/**
 * Who may host: the port behind which the arbiter stands (a row in a database, a lease, a person). An epoch is a number
 * that only grows; whoever holds the highest is the one. This package knows nothing else about it.
 */

export interface Claim {
  readonly epoch: number;
  /** Host name of the system that holds it. */
  readonly holder: string;
}

export interface EpochPort {
  /**
   * Calls back at once with the highest epoch known here, and at each change; null = nobody holds one. The news come in
   * order but may be old: that is why messages carry the epoch. Returns how to end it.
   */
  watch(listener: (claim: Claim | null) => void): () => void;
  /** Takes the next epoch for `holder` unless somebody holds the present one. Null = no luck. May reject: no luck either. */
  acquire(holder: string): Promise<Claim | null>;
  /** Gives that epoch back, if it is still the present one. */
  release(epoch: number): Promise<void>;
}
