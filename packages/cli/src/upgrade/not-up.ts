/** A sentinel that was exchanged and does not come up: what that means for its server, and what to do. Pure. */
import { join } from "node:path";
import type { PairState } from "@castellan/daemon";
import { CastellanError } from "@castellan/kernel";
import { shellWord } from "../format/shell-word.ts";

export interface NotUpFacts {
  readonly server: string;
  readonly home: string;
  readonly pair: PairState;
  /** The watcher that was launched to take the place; pid null: it could not be. */
  readonly launched: { readonly pid: number | null; readonly hasEnded: boolean };
  /** It has had its time. */
  readonly isLate: boolean;
}

/** Null: it may still come. */
export function notUpHere({ server, home, pair, launched, isLate }: NotUpFacts): CastellanError | null {
  const { worker, watcher, refused, exchange } = pair;
  const isGone = worker === null && watcher === null;
  if (refused !== null && isGone) return new CastellanError("NOT_A_MEMBER", refused);
  const logs = `see ${join(home, "logs", "castellan-watcher.log")}, castellan-worker.log and castellan-*.out there`;
  const details = { server, ...pair };
  if (exchange === "under way" && !isLate) return null;
  if (isGone && exchange !== "under way" && (launched.hasEnded || isLate)) {
    const goOn = `its processes run on, and nobody looks after them: ${logs}; \`castellan upgrade\` tries again,\n${back(home, null)}`;
    return new CastellanError("NOT_EXCHANGED", `no sentinel of ${server} is left: ${goOn}`, { details });
  }
  if (!isLate) return null;
  if (exchange === "under way" || watcher === null || watcher !== launched.pid)
    return new CastellanError(
      "TIMED_OUT",
      `the sentinel of ${server} has not been exchanged: the old one goes on, or is about to end: ${logs}; then run it again`,
      { details },
    );
  return new CastellanError(
    "NOT_EXCHANGED",
    `the new sentinel of ${server} does not come up; its processes run on: ${logs}; it tries again and again,\n${back(home, watcher)}`,
    { details },
  );
}

export const notUpElsewhere = (server: string): CastellanError =>
  new CastellanError(
    "TIMED_OUT",
    `the new sentinel of ${server} is not up yet: look into its logs there, then run \`castellan upgrade\` there, which says more`,
    { details: { server } },
  );

/** Whatever the old release knows: it adopts what runs. */
const back = (home: string, watcher: number | null): string => {
  const up = `\`castellan up --detach --home ${shellWord(home)}\` of the old release`;
  return watcher === null
    ? `and ${up} goes back to that one`
    : `and \`kill ${watcher}\`, then ${up}, goes back to that one`;
};
