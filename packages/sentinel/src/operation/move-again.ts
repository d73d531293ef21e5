/**
 * When the foreground is moved again from where a move has not brought it away: soon at first, then ever less often. Somebody is
 * told meanwhile (`foreground-watch.ts`). Pure.
 */

const FIRST_MS = 15_000;
const LONGEST_MS = 600_000;

/** Of one server. */
export interface MoveTries {
  readonly count: number;
  readonly lastMs: number;
}

export const movePauseMs = (count: number): number => Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.max(0, count - 1));

export const mayMoveAgain = (tries: MoveTries | undefined, nowMs: number): boolean =>
  tries === undefined || nowMs - tries.lastMs >= movePauseMs(tries.count);

export const triedAgain = (tries: MoveTries | undefined, nowMs: number): MoveTries => ({
  count: (tries?.count ?? 0) + 1,
  lastMs: nowMs,
});
