/**
 * How short a resource (bytes, inodes) is, and whether that is news.
 *
 *   1. An alert is raised once per shortage: on crossing a threshold, with a new generation.
 *   2. The same shortage is told again only when it gets worse: warning -> low, or half of what was left is gone again.
 *   3. On the way back a threshold counts 10 % higher, so that a level that trembles is one shortage; unless a person has
 *      just changed the threshold, which is to be seen at once.
 *   4. What cannot be measured is a level of its own. The shortage it hides is neither ended nor forgotten.
 */

export type Level = "ok" | "warning" | "low" | "unreadable";

export type Measurement =
  | { readonly readable: true; readonly free: number; readonly total: number }
  | { readonly readable: false; readonly reason: string };

export interface Thresholds {
  /** In the unit of the measurement. */
  readonly minimum: number;
  /** 0 = none. */
  readonly warning: number;
  /** The thresholds as they were configured; a different text = a person has changed them. */
  readonly configured: string;
}

export interface LevelState {
  readonly level: Level;
  /** The level of the last measurement that succeeded. */
  readonly seen: Exclude<Level, "unreadable">;
  /** The thresholds of the last measurement. */
  readonly configured: string | null;
  /** What was free when the open shortage was last told, or null when none is open. */
  readonly toldFree: number | null;
}

/**
 * `raised` opens a cause, `worsened` repeats it, `eased` changes nothing for others, `resolved` ends it. The access
 * changes `lost` and `regained` open and end a cause of their own.
 */
export type LevelChange = "raised" | "worsened" | "eased" | "resolved" | "lost" | "regained";

export interface LevelDecision {
  readonly state: LevelState;
  readonly changes: readonly LevelChange[];
}

export const initialLevel: LevelState = { level: "ok", seen: "ok", configured: null, toldFree: null };

/** The share by which free space must exceed a threshold before it counts as recovered. */
const HYSTERESIS = 0.1;

export function decideLevel(previous: LevelState, measurement: Measurement, thresholds: Thresholds): LevelDecision {
  if (!measurement.readable) {
    return previous.level === "unreadable"
      ? { state: previous, changes: [] }
      : { state: { ...previous, level: "unreadable" }, changes: ["lost"] };
  }
  const { free } = measurement;
  const before = previous.seen;
  const changedByPerson = previous.configured !== null && previous.configured !== thresholds.configured;
  const margin = changedByPerson ? 1 : 1 + HYSTERESIS;
  const isBelow = (threshold: number, held: boolean): boolean =>
    free < (held ? Math.floor(threshold * margin) : threshold);
  const isLow = isBelow(thresholds.minimum, before === "low");
  const isWarning = isBelow(thresholds.warning, before !== "ok");
  const level = isLow ? "low" : isWarning ? "warning" : "ok";

  const regained: readonly LevelChange[] = previous.level === "unreadable" ? ["regained"] : [];
  const decided = (change: LevelChange | null, toldFree: number | null): LevelDecision => ({
    state: { level, seen: level, configured: thresholds.configured, toldFree },
    changes: change === null ? regained : [...regained, change],
  });
  if (level === "ok") return decided(previous.toldFree === null ? null : "resolved", null);
  if (previous.toldFree === null) return decided("raised", free);
  const isHalved = free <= previous.toldFree / 2 && free < previous.toldFree;
  if ((level === "low" && before === "warning") || isHalved) return decided("worsened", free);
  return decided(level === "warning" && before === "low" ? "eased" : null, previous.toldFree);
}
