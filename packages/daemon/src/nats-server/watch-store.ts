/**
 * A nats-server whose disk was full goes on refusing to store events when there is room again (its file store remembers
 * the error): it must be started again. So a bus that answers and stores nothing for a while is restarted, with growing
 * pauses while that does not help.
 */
import type { Clock, Logger, Timer } from "@castellan/kernel";

/** Events have not been stored for this long, milliseconds. */
const REFUSING_MS = 10_000;
/** In a cluster others may be what is missing, and a new leader takes its time. */
const MEMBER_REFUSING_MS = 60_000;
const FIRST_PAUSE_MS = 15_000;
const MAX_PAUSE_MS = 300_000;
const LOOK_MS = 1000;

export interface StoreWatch {
  readonly restarts: number;
  readonly lastRestartMs: number;
}

/** Pure. `refusingMs`: for how long every publish has been refused; null = the last one was stored, or the bus is away. */
export function mustRestart(
  { restarts, lastRestartMs }: StoreWatch,
  refusingMs: number | null,
  nowMs: number,
  isMember = false,
): boolean {
  if (refusingMs === null || refusingMs < (isMember ? MEMBER_REFUSING_MS : REFUSING_MS)) return false;
  const pauseMs = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.max(0, restarts - 1));
  return restarts === 0 || nowMs - lastRestartMs >= pauseMs;
}

export function watchStore(deps: {
  readonly refusingMs: () => number | null;
  readonly restart: () => void;
  /** The server is a member of a cluster. */
  readonly isMember: boolean;
  readonly clock: Clock;
  readonly log: Logger;
}): Timer {
  const { refusingMs, restart, isMember, clock, log } = deps;
  let watch: StoreWatch = { restarts: 0, lastRestartMs: 0 };
  let timer: Timer | null = null;
  const look = (): void => {
    const refusing = refusingMs();
    if (refusing === null) watch = { restarts: 0, lastRestartMs: 0 };
    else if (mustRestart(watch, refusing, clock.bootMs(), isMember)) {
      watch = { restarts: watch.restarts + 1, lastRestartMs: clock.bootMs() };
      log.error("the embedded nats-server stores no events and is started again", { refusingMs: refusing, ...watch });
      restart();
    }
    timer = clock.after(LOOK_MS, look);
  };
  look();
  return { cancel: () => timer?.cancel() };
}
