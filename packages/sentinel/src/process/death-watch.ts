/**
 * Notices the death of processes that are not our children, for all keepers with one timer.
 *
 * The full question (state and start time) costs the system ten times what the cheapest one does, so each look asks:
 * whether there is such a process at all, of everyone; which program it runs, of a few in turn (a zombie has none: a
 * container without a reaper keeps them); for its identity, of fewer still, and of whoever answered unexpectedly.
 */
import { readlinkSync } from "node:fs";
import { type Clock, systemCode, type Timer } from "@castellan/kernel";
import type { Kill } from "./group.ts";
import type { ProcessIdentity, ProcReader } from "./identity.ts";

/** How often every watched process is looked at, milliseconds. */
const LOOK_MS = 150;
/** Each process is asked for its program every so many looks, and for its identity. */
const PROGRAM_EVERY = 4;
const IDENTITY_EVERY = 40;

export interface DeathWatch {
  /** Calls `onDeath` once, within about `LOOK_MS` of the death; returns how to stop watching. */
  watch(process: ProcessIdentity, onDeath: () => void): () => void;
}

interface Watched {
  readonly process: ProcessIdentity;
  readonly onDeath: () => void;
  readonly link: string;
  program: string | null;
}

export function createDeathWatch(proc: ProcReader, clock: Clock, kill: Kill): DeathWatch {
  const all = new Set<Watched>();
  const exists = (pid: number): boolean => {
    try {
      kill(pid, 0);
      return true;
    } catch (thrown) {
      return systemCode(thrown) === "EPERM";
    }
  };
  let timer: Timer | null = null;
  let looks = 0;

  const seemsAlive = (one: Watched, turn: number): boolean => {
    if (turn % IDENTITY_EVERY === 0 || !exists(one.process.pid)) return false;
    return turn % PROGRAM_EVERY !== 0 || (one.program !== null && programOf(one.link) === one.program);
  };
  const look = (): void => {
    timer = null;
    let turn = looks;
    looks += 1;
    for (const one of all) {
      turn += 1;
      if (seemsAlive(one, turn)) continue;
      if (proc.isAlive(one.process)) {
        one.program = programOf(one.link); // it runs another program now, or will not tell
        continue;
      }
      all.delete(one);
      one.onDeath();
    }
    arm();
  };
  const arm = (): void => {
    if (all.size > 0) timer ??= clock.after(LOOK_MS, look);
  };

  return {
    watch(process, onDeath) {
      const link = `/proc/${process.pid}/exe`;
      const one: Watched = { process, onDeath, link, program: programOf(link) };
      all.add(one);
      arm();
      return () => {
        all.delete(one);
        if (all.size > 0) return;
        timer?.cancel();
        timer = null;
      };
    },
  };
}

/** Null for the dead, for zombies, and for another user's. */
function programOf(link: string): string | null {
  try {
    return readlinkSync(link);
  } catch {
    return null; // whatever the reason, the full question follows
  }
}
