/**
 * How a worker ends: part by part, in reverse of how it began, each within a time of its own. A part that does not come to its end
 * holds up nobody else's; whoever waits for the worker knows how long that can take at most.
 *
 *   all parts < the worker's own end < its watcher's patience < the watcher's own end
 */
import { type Clock, Disposer } from "@castellan/kernel";

/** In the order in which they end, milliseconds. Each has deadlines within as well: these are for what those have missed. */
export const PART_ENDS_WITHIN_MS = {
  members: 1000,
  steward: 1500,
  heartbeat: 100,
  actors: 8500,
  database: 4000,
  "trust watch": 100,
  "store watch": 100,
  bus: 3000,
  /** Told to end; killed when it does not. */
  "nats-server": 9000,
  pair: 500,
  lock: 100,
} as const;
export type WorkerPart = keyof typeof PART_ENDS_WITHIN_MS;

/** What a worker does besides ending its parts must leave them their time, milliseconds. */
export const WORKER_ENDS_WITHIN_MS = 29_000;
/** A worker that is there still is killed by its watcher: nothing that it keeps ends with it. */
export const WATCHER_WAITS_MS = 31_000;
export const WATCHER_ENDS_WITHIN_MS = 34_000;
/** For whoever waits for a pair to be gone: it is by then, unless the kernel keeps it. */
export const PAIR_GONE_WITHIN_MS = 45_000;

export interface Ending extends Pick<Disposer, "current" | "dispose"> {
  /** Registers how a part ends. The last registered ends first. */
  add(part: WorkerPart, end: () => void | Promise<void>): void;
}

export function createEnding(clock: Clock): Ending {
  const disposer = new Disposer(clock);
  return {
    get current() {
      return disposer.current;
    },
    add: (part, end) => disposer.add(part, end, PART_ENDS_WITHIN_MS[part]),
    dispose: () => disposer.dispose(),
  };
}
