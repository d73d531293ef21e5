/**
 * Signals to a process and its group, and what of it is still there.
 *
 * G1 Nothing is signalled whose identity does not hold at that moment.
 * G2 While its leader lives, the group is ours as a whole. Once the leader is dead, a member is ours if it carries our
 *    launch id; one whose environment says nothing (programs overwrite it) is ours only if we watched the leader
 *    die (`isWatched`), for only then can the group's number not have been given to strangers since.
 */
import { systemCode } from "@castellan/kernel";
import type { ProcessIdentity, ProcReader } from "./identity.ts";

/** The system call, so that tests can stand in for it. Throws the system's error. */
export type Kill = (pid: number, signal: NodeJS.Signals | 0) => void;

export interface ProcessGroups {
  /** To the whole group; false when its leader is not alive. */
  signal(leader: ProcessIdentity, signal: NodeJS.Signals): boolean;
  /** Kills all that is left, leader or not. */
  kill(leader: ProcessIdentity, isWatched: boolean): void;
  /** Whether anything of it lives. Cheap when nothing does. */
  isGone(leader: ProcessIdentity, isWatched: boolean): boolean;
}

export function createProcessGroups(proc: ProcReader, kill: Kill): ProcessGroups {
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
  return {
    signal(leader, signal) {
      if (!proc.isAlive(leader)) return false;
      send(-leader.pid, signal);
      return true;
    },
    kill(leader, isWatched) {
      if (proc.isAlive(leader)) send(-leader.pid, "SIGKILL");
      else for (const pid of leftovers(leader, isWatched)) send(pid, "SIGKILL");
    },
    isGone: (leader, isWatched) => !proc.isAlive(leader) && leftovers(leader, isWatched).length === 0,
  };
}
