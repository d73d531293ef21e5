/** Performs what `decidePeer` decides: looks at the other part ten times a second, launches it, or kills it. */
import type { Clock, Logger, Timer } from "@castellan/kernel";
import {
  beginGuard,
  decidePeer,
  type MessageLog,
  type ProcessIdentity,
  type ProcReader,
} from "@castellan/sentinel/pair";
import type { HomePaths } from "../home-paths.ts";
import { type LaunchedPart, livingPart, type Part, signalExactly } from "./part.ts";

export interface PeerGuardDeps {
  readonly peer: Part;
  readonly paths: HomePaths;
  readonly clock: Clock;
  readonly proc: ProcReader;
  readonly log: Logger;
  readonly messages: MessageLog;
  /** Launches the peer; `first` = this guard has launched none before. */
  launch(first: boolean): LaunchedPart;
}

export interface PeerGuardHandle {
  /** The peer's counter has moved. */
  progressed(): void;
  /** Judge and launch no more. */
  stop(): void;
  peer(): ProcessIdentity | null;
}

const TICK_MS = 100;
/** Message number of the original: the peer died and is restarted. */
const PEER_RESTARTED = 1882;

export function guardPeer(deps: PeerGuardDeps): PeerGuardHandle {
  const { peer, paths, clock, proc, log } = deps;
  let identity = livingPart(paths, peer, proc);
  let guard = beginGuard(identity !== null, clock.bootMs());
  let progressAt: number | null = null;
  let launches = 0;
  let stopped = false;
  let timer: Timer | null = null;

  const look = (): boolean => {
    if (identity === null || !proc.isAlive(identity)) {
      identity = livingPart(paths, peer, proc);
      progressAt = null; // what was seen was another's progress
    }
    return identity !== null;
  };
  const launch = (): void => {
    const launched = deps.launch(launches === 0);
    identity = launched.identity;
    launches += 1;
    log.info("launched the other part", { part: peer, pid: identity?.pid ?? null });
    if (launches > 1 || guard.launches.length > 1) {
      deps.messages.warn(PEER_RESTARTED, `the ${peer} of this server had ended and was started again`);
    }
    launched.onExit(() => tick());
  };
  const tick = (): void => {
    timer?.cancel();
    if (stopped) return;
    const decided = decidePeer(guard, { alive: look(), progressAt }, clock.bootMs());
    guard = decided.guard;
    if (decided.action === "launch") launch();
    if (decided.action === "kill" && identity !== null) {
      log.error("the other part shows no progress and is killed", { part: peer, pid: identity.pid });
      signalExactly(proc, identity, "SIGKILL");
    }
    timer = clock.after(TICK_MS, tick);
  };
  tick();
  return {
    progressed: () => {
      progressAt = clock.bootMs();
    },
    stop: () => {
      stopped = true;
      timer?.cancel();
    },
    peer: () => (look() ? identity : null),
  };
}
