/**
 * Every sentinel notes in the shared schema that it lives, and that it has ended in order.
 *
 * V1 It writes its own sign of life, guarded by its incarnation; a later one of the same server ends it.
 */
import { type Behavior, receive, setup } from "@castellan/actor";
import { ensureError } from "@castellan/kernel";
import { type Gateway, StoreConflict } from "@castellan/store";
import { hasEnded, stillCurrent } from "./incarnation.ts";

export interface SignOfLifeDeps {
  readonly gateway: Gateway;
  readonly serverId: number;
  readonly incarnation: number;
  /** A later worker of this server counts. */
  readonly onSuperseded: () => void;
}

/** Between two signs of life, milliseconds. */
export const SIGN_MS = 5000;

type Tick = { readonly type: "Tick" };

export function createSignOfLife({ gateway, serverId, incarnation, onSuperseded }: SignOfLifeDeps): Behavior<Tick> {
  return setup<Tick>(({ clock, log, timers, self }) => {
    timers.every("sign", SIGN_MS, { type: "Tick" });
    self.tell({ type: "Tick" });
    return receive<Tick>(
      {
        async Tick() {
          try {
            await gateway.commit([stillCurrent(serverId, incarnation, clock.now())]);
          } catch (thrown) {
            if (thrown instanceof StoreConflict) onSuperseded();
            else log.warn("the sign of life was not written", { error: ensureError(thrown) });
          }
        },
      },
      {
        async stopping(why) {
          if (why !== "stopped") return;
          try {
            await gateway.commit([hasEnded(serverId, incarnation, clock.now())]);
          } catch (thrown) {
            // A successor is there already, or the schema is away: then this server is missed for a while.
            log.debug("the end in order was not written", { error: ensureError(thrown) });
          }
        },
      },
    );
  });
}
