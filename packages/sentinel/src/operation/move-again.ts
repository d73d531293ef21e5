/**
 * When the foreground is moved again from where a move has not brought it away: soon at first, then ever less often. Somebody is
 * told meanwhile (`foreground-watch.ts`). Pure.
 */
import type { PlannedInstance } from "./plan.ts";

const FIRST_MS = 15_000;
const LONGEST_MS = 600_000;

/** Of one server. */
export interface MoveTries {
  /** What was tried, in words of `whatMoves`. */
  readonly what: string;
  readonly count: number;
  readonly lastMs: number;
}

export const movePauseMs = (count: number): number => Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.max(0, count - 1));

/** The same as long as nobody has changed the instances or how they are started: what kept them may be mended by that. */
export const whatMoves = (
  instances: readonly Pick<PlannedInstance, "type" | "instance" | "enabled">[],
  types: ReadonlyMap<string, unknown>,
): string =>
  JSON.stringify(instances.map(({ type, instance, enabled }) => [type, instance, enabled, types.get(type) ?? null]));

export const mayMoveAgain = (tries: MoveTries | undefined, what: string, nowMs: number): boolean =>
  tries === undefined || tries.what !== what || nowMs - tries.lastMs >= movePauseMs(tries.count);

export const triedAgain = (tries: MoveTries | undefined, what: string, nowMs: number): MoveTries => ({
  what,
  count: (tries?.what === what ? tries.count : 0) + 1,
  lastMs: nowMs,
});
