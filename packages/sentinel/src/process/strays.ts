/**
 * What has left the group of the process it descends from (`setsid`, a daemon of its own): it still carries the launch id.
 * Finding them takes a look at every environment of the host. Of looks that follow closely upon each other only the first
 * reads them all: a hundred instances that are stopped at once cost little more than one.
 */
import type { Clock } from "@castellan/kernel";
import type { FoundProcess, KnownProcesses, ProcessIdentity, ProcReader } from "./identity.ts";
import { createSharedLook } from "./shared-look.ts";

export interface Strays {
  /** Those of this leader's launch that are not of its group, or null: it cannot be said yet, ask again. */
  of(leader: ProcessIdentity): readonly ProcessIdentity[] | null;
  /** Those that the last look found and that live. */
  seen(leader: ProcessIdentity): readonly ProcessIdentity[];
}

/** No host gives all its other pids away within this, milliseconds, and so none of them again. */
const PIDS_LAST_MS = 1000;

export function createStrays(proc: ProcReader, clock: Clock): Strays {
  const known: KnownProcesses = new Map();
  let lookedAtMs = Number.NEGATIVE_INFINITY;

  const carriers = createSharedLook(clock, () => {
    const nowMs = clock.bootMs();
    if (nowMs - lookedAtMs > PIDS_LAST_MS) known.clear();
    lookedAtMs = nowMs;
    const byLaunch = new Map<string, FoundProcess[]>();
    for (const found of proc.findLaunchedSince(known)) {
      const others = byLaunch.get(found.launchId);
      if (others === undefined) byLaunch.set(found.launchId, [found]);
      else others.push(found);
    }
    return byLaunch;
  });
  const strays: Strays = {
    of: (leader) => (carriers.answer(leader.launchId) === null ? null : strays.seen(leader)),
    seen: ({ launchId, pid: group, bootId }) =>
      (carriers.last?.get(launchId) ?? []).flatMap(({ pid, startTime }) => {
        // Not the group it was first seen in: it may have left that since.
        const now = proc.stat(pid);
        return now === null || now.startTime !== startTime || now.group === group
          ? []
          : [{ pid, startTime, launchId, bootId }];
      }),
  };
  return strays;
}
