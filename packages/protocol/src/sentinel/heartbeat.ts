/**
 * What a sentinel says once a second about itself, at `hb.{server}.worker` and `hb.{server}.watcher`. A heartbeat tells of
 * progress, not only of life: its counter moves only when the event loop does. It is a hint and never a verdict.
 */
import { z } from "zod";

const count = z.int().min(0);

/** The worker's. */
export const Heartbeat = z.object({
  progress: count,
  incarnation: count,
  role: z.enum(["master", "slave"]),
  /** The epoch it believes in: as master its own. Null = it has not read one yet. */
  epoch: count.nullable(),
  /** Age of its last confirmed contact with the schema, milliseconds; null = none yet. */
  sqlAgeMs: count.nullable(),
});
export type Heartbeat = z.infer<typeof Heartbeat>;

/** `restarting`: its end has been seen, its successor is on the way. `down`: it is not brought back just now. */
export const WorkerState = z.enum(["up", "restarting", "down"]);
export type WorkerState = z.infer<typeof WorkerState>;

/** The watcher's: only where a node has a bus of its own. */
export const WatcherHeartbeat = z.object({
  progress: count,
  worker: WorkerState,
});
export type WatcherHeartbeat = z.infer<typeof WatcherHeartbeat>;
