/**
 * What has left the group of the process it descends from (`setsid`, a daemon of its own): it still carries the launch id.
 *
 * S1 Finding them takes a look at every environment of the host, some milliseconds, so many keepers share one: it is
 *    answered only by a look that began after the question, and after each look there is none for `SHARE_MS`, or for as long
 *    as it took: on a busy host a look takes long, and a hundred instances that are stopped at once must not each have one.
 */
import type { Clock } from "@castellan/kernel";
import type { FoundProcess, ProcessIdentity, ProcReader } from "./identity.ts";

export interface Strays {
  /** Those of this leader's launch that are not of its group, or null: too soon after the last look, ask again. */
  of(leader: ProcessIdentity): readonly ProcessIdentity[] | null;
  /** Those that the last look found and that live. */
  seen(leader: ProcessIdentity): readonly ProcessIdentity[];
}

const SHARE_MS = 20;

export function createStrays(proc: ProcReader, clock: Clock): Strays {
  let looks = 0;
  let notBeforeMs = Number.NEGATIVE_INFINITY;
  let carriers = new Map<string, FoundProcess[]>();
  /** Of the launches whose question waits: how many looks there had been. */
  const waiting = new Map<string, number>();

  const look = (): void => {
    looks += 1;
    const beganMs = clock.bootMs();
    carriers = new Map();
    for (const found of proc.findLaunched()) {
      carriers.set(found.launchId, [...(carriers.get(found.launchId) ?? []), found]);
    }
    const endedMs = clock.bootMs();
    notBeforeMs = endedMs + Math.max(SHARE_MS, endedMs - beganMs);
  };
  const strays: Strays = {
    of(leader) {
      const { launchId } = leader;
      const askedAfter = waiting.get(launchId) ?? looks;
      if (looks === askedAfter) {
        if (clock.bootMs() < notBeforeMs) {
          waiting.set(launchId, askedAfter);
          return null;
        }
        look();
      }
      waiting.delete(launchId);
      return strays.seen(leader);
    },
    seen: ({ launchId, pid: group, bootId }) =>
      (carriers.get(launchId) ?? [])
        .filter((found) => found.group !== group)
        .map(({ pid, startTime }) => ({ pid, startTime, launchId, bootId }))
        .filter((stray) => proc.isAlive(stray)),
  };
  return strays;
}
