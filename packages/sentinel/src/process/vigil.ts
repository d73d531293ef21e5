/**
 * A keeper's watch over one process from its launch or adoption until nothing of it is left.
 *
 * V1 The end of a child is told by the system, that of an adopted process by the death watch.
 * V2 A process is gone only when its leader is dead and nothing within reach is ours any more (`group.ts`, G2, G3).
 */
import type { ActorContext } from "@castellan/actor";
import type { DeathWatch } from "./death-watch.ts";
import type { ProcessGroups, Reach } from "./group.ts";
import type { ProcessIdentity, ProcReader } from "./identity.ts";
import type { KeeperCommand } from "./keeper-messages.ts";
import { sameProcess } from "./keeper-state.ts";

const GONE_FIRST_MS = 20;
const GONE_LAST_MS = 200;
/** The end of a child is told by the system; this is only for the case that it is not. */
const CHILD_MS = 1000;

export interface Vigil {
  /** Over our own child, whose end the launcher tells. */
  overChild(process: ProcessIdentity): void;
  /** Over a process that an earlier sentinel started. */
  overAdopted(process: ProcessIdentity, onDeath: () => void): void;
  /** Seen alive by this life. */
  isOver(process: ProcessIdentity): boolean;
  /** Its end was told. True when it was waited for: look with `check`. */
  ended(process: ProcessIdentity): boolean;
  awaitGone(process: ProcessIdentity): void;
  /**
   * The awaited process once nothing of it is left; else null, and `CheckGone` comes again. What has left its group
   * hears `signal` once; SIGKILL is repeated to all.
   */
  check(reach: Reach, signal: NodeJS.Signals): ProcessIdentity | null;
  letGo(): void;
}

export interface VigilDeps {
  readonly proc: ProcReader;
  readonly groups: ProcessGroups;
  readonly deaths: DeathWatch;
}

export function createVigil({ proc, groups, deaths }: VigilDeps, timers: ActorContext<KeeperCommand>["timers"]): Vigil {
  let watched: ProcessIdentity | null = null;
  /** Ends the watch over a process that is not our child. */
  let unwatch: (() => void) | null = null;
  /** Our child, until the system has told its end: before that a look at its group finds at least the zombie. */
  let child: ProcessIdentity | null = null;
  let awaited: ProcessIdentity | null = null;
  let delayMs = GONE_FIRST_MS;
  let straysTold = false;

  const vigil: Vigil = {
    overChild(process) {
      unwatch?.();
      watched = process;
      child = process;
    },
    overAdopted(process, onDeath) {
      unwatch?.();
      watched = process;
      unwatch = deaths.watch(process, onDeath);
    },
    isOver: (process) => same(watched, process),
    ended(process) {
      if (same(child, process)) child = null;
      return same(awaited, process);
    },
    awaitGone(process) {
      awaited = process;
      straysTold = false;
      delayMs = GONE_FIRST_MS;
    },
    check(reach, signal) {
      if (awaited === null) return null;
      const process = awaited;
      if (child !== null && sameProcess(child, process) && proc.startTimeOf(child.pid) !== null) {
        timers.once("gone", CHILD_MS, { type: "CheckGone" });
        return null;
      }
      if (!groups.isGone(process, vigil.isOver(process), reach)) {
        if (!proc.isAlive(process)) {
          // Members may have appeared after the last SIGKILL was sent.
          if (signal === "SIGKILL") groups.kill(process, vigil.isOver(process), reach);
          else if (!straysTold) straysTold = groups.signalStrays(process, signal);
        }
        timers.once("gone", delayMs, { type: "CheckGone" });
        delayMs = Math.min(delayMs * 1.5, GONE_LAST_MS);
        return null;
      }
      awaited = null;
      timers.cancel("gone");
      unwatch?.();
      return process;
    },
    letGo: () => unwatch?.(),
  };
  return vigil;
}

const same = (a: ProcessIdentity | null, b: ProcessIdentity): boolean => a !== null && sameProcess(a, b);
