/**
 * Signals to a process, its group and what has left it, and what of all that is still there.
 *
 * G1 Nothing is signalled whose identity does not hold at that moment.
 * G2 While its leader lives, the group is ours as a whole. Once the leader is dead, a member is ours if it carries our
 *    launch id; one whose environment says nothing (programs overwrite it) is ours only if we watched the leader
 *    die (`isWatched`), for only then can the group's number not have been given to strangers since.
 * G3 What has left the group (`strays.ts`) is ours by its launch id, and is looked for once the leader is dead: for an
 *    instance that is to be down nothing of it may go on, wherever it has hidden. The replacement of a dead process does
 *    not wait for that look.
 */
import { type Clock, systemCode } from "@castellan/kernel";
import type { ProcessIdentity, ProcReader } from "./identity.ts";
import { createSharedLook } from "./shared-look.ts";
import type { Strays } from "./strays.ts";

/** The system call, so that tests can stand in for it. Throws the system's error. */
export type Kill = (pid: number, signal: NodeJS.Signals | 0) => void;

/** How far a question goes: to the leader's group, or to all that descends from this launch. */
export type Reach = "group" | "launch";

export interface ProcessGroups {
  /** To the whole group; false when its leader is not alive. */
  signal(leader: ProcessIdentity, signal: NodeJS.Signals): boolean;
  /** Kills all that is left, leader or not. */
  kill(leader: ProcessIdentity, isWatched: boolean, reach: Reach): void;
  /** To what is known to have left the leader's group; false when there is nothing. */
  signalStrays(leader: ProcessIdentity, signal: NodeJS.Signals): boolean;
  /** Whether nothing of it lives; false also while that cannot be said yet. Cheap within the group when nothing does. */
  isGone(leader: ProcessIdentity, isWatched: boolean, reach: Reach): boolean;
}

export function createProcessGroups(proc: ProcReader, strays: Strays, clock: Clock, kill: Kill): ProcessGroups {
  const table = createSharedLook(clock, () => proc.groups());
  const send = (pid: number, signal: NodeJS.Signals): void => {
    try {
      kill(pid, signal);
    } catch (thrown) {
      if (systemCode(thrown) !== "ESRCH" && systemCode(thrown) !== "EPERM") throw thrown;
    }
  };
  const isEmpty = (group: number): boolean => {
    try {
      kill(-group, 0);
      return false;
    } catch (thrown) {
      return systemCode(thrown) === "ESRCH";
    }
  };
  /** Those that are known; null: whether there are any cannot be said yet. */
  const leftovers = (leader: ProcessIdentity, isWatched: boolean): number[] | null => {
    if (leader.bootId !== proc.bootId || isEmpty(leader.pid)) return [];
    const isSaid = table.answer(`${leader.pid}`) !== null;
    const ours = (table.last?.get(leader.pid) ?? []).filter(({ pid, startTime }) => {
      const now = proc.stat(pid);
      if (now === null || now.startTime !== startTime || now.group !== leader.pid) return false;
      const launchId = proc.launchIdOf(pid);
      return launchId === leader.launchId || (launchId === null && isWatched);
    });
    return isSaid || ours.length > 0 ? ours.map(({ pid }) => pid) : null;
  };
  const signalStrays = (leader: ProcessIdentity, signal: NodeJS.Signals): boolean => {
    const live = strays.seen(leader);
    for (const { pid } of live) send(pid, signal);
    return live.length > 0;
  };
  return {
    signal(leader, signal) {
      if (!proc.isAlive(leader)) return false;
      send(-leader.pid, signal);
      return true;
    },
    kill(leader, isWatched, reach) {
      if (proc.isAlive(leader)) {
        send(-leader.pid, "SIGKILL");
        return;
      }
      for (const pid of leftovers(leader, isWatched) ?? []) send(pid, "SIGKILL");
      if (reach === "launch") signalStrays(leader, "SIGKILL");
    },
    signalStrays,
    isGone(leader, isWatched, reach) {
      if (proc.isAlive(leader) || leftovers(leader, isWatched)?.length !== 0) return false;
      return reach === "group" || leader.bootId !== proc.bootId || strays.of(leader)?.length === 0;
    },
  };
}
