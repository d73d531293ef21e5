/**
 * Runs on the master, for its term: tells everybody of a stop that is announced, and stops the node when it is time.
 *
 * F1 The announcement is a row. It is taken away only after the operation is journaled under the row's request id, so it comes
 *    once, whichever masters come and go.
 * F2 The notice is published when the row is first seen, and again when it was brought nearer; a new master repeats it.
 * F3 When the node has been stopped by another order, the announced stop has come with that: it does not come again when the
 *    node has been started since.
 */
import { type Behavior, receive, setup } from "@castellan/actor";
import { CastellanError, ensureError } from "@castellan/kernel";
import type { CommandRequest, ShutdownNotice } from "@castellan/protocol";
import { type Gateway, type Row, remove, StoreConflict, type Write } from "@castellan/store";
import type { EventSink } from "../ports.ts";
import { fence } from "../role/mastership.ts";
import { type OwnOperationDeps, ownOperation } from "./chore.ts";
import { isNodeWide } from "./node-state.ts";
import type { OpenOperation } from "./overlap.ts";
import type { Wave } from "./wave.ts";

export interface ForcedStopDeps {
  readonly gateway: Gateway;
  readonly epoch: number;
  readonly events: EventSink;
  /** Shuts the whole node down: resolves when that is journaled, rejects with the refusal. */
  readonly shutdown: (command: CommandRequest) => Promise<unknown>;
  readonly onDeposed: () => void;
}

/** Between two looks, milliseconds. */
const LOOK_MS = 500;

type Tick = { readonly type: "Tick" };

export function createForcedStop({ gateway, epoch, events, shutdown, onDeposed }: ForcedStopDeps): Behavior<Tick> {
  return setup<Tick>(({ clock, log, timers, self }) => {
    let told: number | null = null;
    timers.every("look", LOOK_MS, { type: "Tick" });
    self.tell({ type: "Tick" });

    const tell = (row: Row<"forced_stop">): void => {
      const inSeconds = Math.max(0, Math.ceil((row.stop_at.getTime() - clock.now().getTime()) / 1000));
      const data: ShutdownNotice = { stopAt: row.stop_at.toISOString(), inSeconds, by: row.requested_by };
      events.publish({ kind: "node", what: "shutdown-notice" }, { type: "castellan.node.shutdown-notice", data });
      log.info("the node will be stopped", { ...data });
      told = row.stop_at.getTime();
    };

    const look = async (): Promise<void> => {
      const [row] = await gateway.find("forced_stop", { where: { id: 1 } });
      if (row === undefined) {
        told = null;
        return;
      }
      if (told !== row.stop_at.getTime()) tell(row);
      if (row.stop_at > clock.now()) return;
      const { request_id: requestId, requested_by: by } = row;
      try {
        await shutdown({ requestId, by, target: {}, options: {} });
      } catch (thrown) {
        // What passes is tried again; a refusal is for whoever waits for it, under the same request id.
        if (!(thrown instanceof CastellanError) || thrown.retryable) throw thrown;
        log.error("the announced stop was refused", { requestId, error: thrown });
      }
      await gateway.commit([fence(epoch), remove("forced_stop", { id: 1, request_id: requestId })]);
    };

    return receive<Tick>({
      async Tick() {
        try {
          await look();
        } catch (thrown) {
          if (thrown instanceof StoreConflict) onDeposed();
          else log.warn("the announced stop could not be seen to; trying again", { error: ensureError(thrown) });
        }
      },
    });
  });
}

/**
 * For the commit in which operations end: if one of them has stopped the whole node, the announced stop is over, and who
 * waits for it finds it under its request id.
 */
export async function announcedStopOver(
  ended: readonly { readonly operation: OpenOperation; readonly wave: Wave }[],
  { gateway, ...journal }: OwnOperationDeps & { readonly gateway: Gateway },
): Promise<readonly Write[]> {
  const stopped = ended.find(
    ({ operation: { verb, target }, wave }) =>
      verb === "shutdown" && isNodeWide(target) && wave.ended?.state === "done",
  );
  if (stopped === undefined) return [];
  const [announced] = await gateway.find("forced_stop", { where: { id: 1 } });
  if (announced === undefined) return [];
  const { request_id: requestId, requested_by: by } = announced;
  const known = await gateway.find("operation", { where: { request_id: requestId }, limit: 1 });
  const note = `the node was stopped before, by ${stopped.operation.by}`;
  const told = ownOperation({ verb: "shutdown", requestId, target: {}, by, steps: [], note }, journal);
  return [...(known.length > 0 ? [] : told), remove("forced_stop", { id: 1, request_id: requestId })];
}
