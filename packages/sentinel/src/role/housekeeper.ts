/**
 * Runs on the master, for its term: has the schema forget what is old (`forgetOld` says what), fenced, at its leisure.
 * A database that is away is left alone until the next time.
 */
import { type Behavior, receive, setup } from "@castellan/actor";
import { ensureError } from "@castellan/kernel";
import { forgetOld, type Gateway, StoreConflict } from "@castellan/store";
import { fence } from "./mastership.ts";

export interface HousekeeperDeps {
  readonly gateway: Gateway;
  readonly epoch: number;
  readonly onDeposed: () => void;
}

/** Not in the first minutes of a term, which have better things to do; milliseconds. */
const FIRST_MS = 2 * 60_000;
/** Between two rounds when there is nothing to forget, and when there may be more, milliseconds. */
const IDLE_MS = 10 * 60_000;
const BUSY_MS = 1000;

type Tick = { readonly type: "Tick" };

export function createHousekeeper({ gateway, epoch, onDeposed }: HousekeeperDeps): Behavior<Tick> {
  return setup<Tick>(({ clock, log, timers }) => {
    const nextIn = (delayMs: number): void => timers.once("round", delayMs, { type: "Tick" });
    nextIn(FIRST_MS);
    return receive<Tick>({
      async Tick() {
        try {
          const gone = await forgetOld(gateway, () => fence(epoch), clock.now());
          if (gone > 0) log.info("old rows were removed from the schema", { rows: gone });
          nextIn(gone > 0 ? BUSY_MS : IDLE_MS);
        } catch (thrown) {
          if (thrown instanceof StoreConflict && thrown.index === 0) {
            onDeposed();
            return;
          }
          log.warn("old rows could not be removed; the next round tries again", { error: ensureError(thrown) });
          nextIn(IDLE_MS);
        }
      },
    });
  });
}
