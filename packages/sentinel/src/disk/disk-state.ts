/** What the disk watch remembers over restarts (`run/disk-watch.json`): levels, and the causes that are open. */
import { z } from "zod";
import { initialLevel } from "./level.ts";

const Measured = z.enum(["ok", "warning", "low"]);
const LevelState = z.object({
  level: z.enum(["ok", "warning", "low", "unreadable"]),
  seen: Measured,
  configured: z.string().nullable(),
  toldFree: z.number().nullable(),
});

/** An alert that was raised and not resolved. */
const OpenCause = z.object({
  cause: z.string(),
  /** How many alerts of it were made: numbers them for de-duplication. */
  told: z.int().nonnegative(),
});
export type OpenCause = z.infer<typeof OpenCause>;

const PathState = z.object({
  space: LevelState,
  inodes: LevelState,
  /** Open causes: shortage of space, shortage of inodes, no access. */
  open: z.object({
    space: OpenCause.nullable(),
    inodes: OpenCause.nullable(),
    access: OpenCause.nullable(),
  }),
});
export type PathState = z.infer<typeof PathState>;

export const DiskState = z.object({
  /** The number of the next raising. */
  nextGeneration: z.int().positive(),
  paths: z.record(z.string(), PathState),
  /** Open while `fspart` has lines that cannot be used. */
  fspart: OpenCause.extend({ file: z.string() }).nullable(),
});
export type DiskState = z.infer<typeof DiskState>;

/**
 * The state of a server that has none. The first generation is taken from the time, so that a lost state file never gives
 * an old cause's number to a new shortage.
 */
export function emptyDiskState(now: Date): DiskState {
  return { nextGeneration: Math.max(1, Math.floor(now.getTime() / 1000)), paths: {}, fspart: null };
}

export function emptyPathState(): PathState {
  return { space: initialLevel, inodes: initialLevel, open: { space: null, inodes: null, access: null } };
}
