/**
 * Who is there: every sentinel notes in the schema that it lives, and the master says of every server whether it is up.
 *
 * V1 A sentinel writes its own sign of life, guarded by its incarnation; a later one of the same server ends it.
 * V2 The master judges by changes it sees itself, measured on its own clock: the times in the rows are for people.
 * V3 A master that has just begun, or could not read for a while, judges nobody down before it has looked for a full silence.
 */
import { type Behavior, receive, setup } from "@castellan/actor";
import { ensureError } from "@castellan/kernel";
import type { ServerState } from "@castellan/protocol";
import { type Gateway, type Row, StoreConflict, update, type Write } from "@castellan/store";
import { stillCurrent } from "./incarnation.ts";
import { fence } from "./mastership.ts";

export interface SignOfLifeDeps {
  readonly gateway: Gateway;
  readonly serverId: number;
  readonly incarnation: number;
  /** A later worker of this server counts. */
  readonly onSuperseded: () => void;
}

/** Between two signs of life, milliseconds. */
const SIGN_MS = 5000;
/** A server without a new sign for this long is down, milliseconds. */
export const SILENT_MS = 15_000;
const LOOK_MS = 2000;

type Tick = { readonly type: "Tick" };

export function createSignOfLife({ gateway, serverId, incarnation, onSuperseded }: SignOfLifeDeps): Behavior<Tick> {
  return setup<Tick>(({ clock, log, timers, self }) => {
    timers.every("sign", SIGN_MS, { type: "Tick" });
    self.tell({ type: "Tick" });
    return receive<Tick>({
      async Tick() {
        try {
          await gateway.commit([stillCurrent(serverId, incarnation, clock.now())]);
        } catch (thrown) {
          if (thrown instanceof StoreConflict) onSuperseded();
          else log.warn("the sign of life was not written", { error: ensureError(thrown) });
        }
      },
    });
  });
}

/** What the master has seen of one server: its last sign, and when that was new, boot-time milliseconds. */
export interface Seen {
  readonly sign: string;
  readonly atMs: number;
}

/** Pure: what is known now, and which servers' states differ from what is recorded. */
export function callRoll(
  known: ReadonlyMap<number, Seen>,
  signs: readonly Pick<Row<"sentinel">, "logical_machine_id" | "incarnation" | "last_seen_at">[],
  recorded: readonly Pick<Row<"server_state">, "logical_machine_id" | "state">[],
  nowMs: number,
): { readonly known: ReadonlyMap<number, Seen>; readonly changes: ReadonlyMap<number, ServerState> } {
  const next = new Map<number, Seen>();
  const changes = new Map<number, ServerState>();
  const stateOf = new Map(recorded.map((row) => [row.logical_machine_id, row.state]));
  for (const row of signs) {
    const id = row.logical_machine_id;
    const sign = `${row.incarnation} ${row.last_seen_at.getTime()}`;
    const before = known.get(id);
    const isNew = before !== undefined && before.sign !== sign;
    const seen = before === undefined || isNew ? { sign, atMs: nowMs } : before;
    next.set(id, seen);
    const isSilent = nowMs - seen.atMs > SILENT_MS;
    const state = isSilent ? "down" : isNew ? "up" : null;
    if (state !== null && stateOf.get(id) !== state) changes.set(id, state);
  }
  return { known: next, changes };
}

export interface RollCallDeps {
  readonly gateway: Gateway;
  readonly epoch: number;
  /** The master's own server: up, since it says so itself. */
  readonly serverId: number;
  readonly onDeposed: () => void;
}

/** Runs on the master, for its term. */
export function createRollCall({ gateway, epoch, serverId, onDeposed }: RollCallDeps): Behavior<Tick> {
  return setup<Tick>(({ clock, log, timers, self }) => {
    let known: ReadonlyMap<number, Seen> = new Map();
    timers.every("look", LOOK_MS, { type: "Tick" });
    self.tell({ type: "Tick" });

    const look = async (): Promise<void> => {
      const [signs, recorded] = await Promise.all([gateway.find("sentinel"), gateway.find("server_state")]);
      const called = callRoll(known, signs, recorded, clock.bootMs());
      known = called.known;
      const changes = new Map(called.changes);
      if (recorded.some((row) => row.logical_machine_id === serverId && row.state !== "up"))
        changes.set(serverId, "up");
      else changes.delete(serverId);
      if (changes.size === 0) return;
      const now = clock.now();
      const writes: Write[] = [...changes].map(([id, state]) =>
        update("server_state", { logical_machine_id: id }, { state, epoch, changed_at: now }, "any"),
      );
      await gateway.commit([fence(epoch), ...writes]);
      log.info("servers have changed", { states: Object.fromEntries(changes) });
    };
    const guarded = async (act: () => Promise<void>): Promise<void> => {
      try {
        await act();
      } catch (thrown) {
        known = new Map(); // what was not seen meanwhile cannot be judged
        if (thrown instanceof StoreConflict) onDeposed();
        else log.warn("the servers could not be looked at", { error: ensureError(thrown) });
      }
    };
    /** This server's sentinel ends in order: nobody is left to say so later. */
    const leave = async (): Promise<void> => {
      const left = { state: "down", epoch, changed_at: clock.now() };
      await gateway.commit([fence(epoch), update("server_state", { logical_machine_id: serverId }, left, "any")]);
    };
    return receive<Tick>(
      { Tick: () => guarded(look) },
      { stopping: (why) => (why === "stopped" ? guarded(leave) : undefined) },
    );
  });
}
