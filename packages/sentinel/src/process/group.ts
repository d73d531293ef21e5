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
import { systemCode } from "@castellan/kernel";
import type { ProcessIdentity, ProcReader } from "./identity.ts";
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

export function createProcessGroups(proc: ProcReader, strays: Strays, kill: Kill): ProcessGroups {
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
  const leftovers = (leader: ProcessIdentity, isWatched: boolean): number[] => {
    if (leader.bootId !== proc.bootId || isEmpty(leader.pid)) return [];
    const members = proc.groupMembers(leader.pid);
    const isOurs = (launchId: string | null): boolean =>
      launchId === leader.launchId || (launchId === null && isWatched);
    return members.filter((member) => isOurs(member.launchId)).map((member) => member.pid);
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
      for (const pid of leftovers(leader, isWatched)) send(pid, "SIGKILL");
      if (reach === "launch") signalStrays(leader, "SIGKILL");
    },
    signalStrays,
    isGone(leader, isWatched, reach) {
      if (proc.isAlive(leader) || leftovers(leader, isWatched).length > 0) return false;
      return reach === "group" || leader.bootId !== proc.bootId || strays.of(leader)?.length === 0;
    },
  };
}
