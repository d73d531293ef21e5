/** How far another clock is from ours, as far as one question and its answer tell. */
export interface ClockSkew {
  /** Theirs minus ours, milliseconds. */
  readonly ms: number;
  /** Half of the time until the answer was there: so much it may be off to either side, milliseconds. */
  readonly offByMs: number;
}

/** Milliseconds since 1970: theirs, and ours when they were asked and when they had answered. */
export function clockSkew(theirs: number, askedAt: number, answeredAt: number): ClockSkew {
  return {
    ms: Math.round(theirs - (askedAt + answeredAt) / 2),
    offByMs: Math.ceil((answeredAt - askedAt) / 2),
  };
}
