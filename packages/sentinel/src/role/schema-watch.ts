/**
 * The schema as the election needs it: read once a second by every sentinel, so that one without the bus still obeys. A
 * master's look is a write under its own epoch: it confirms that it still has one.
 */
import { type Clock, ensureError, type Logger } from "@castellan/kernel";
import { type Gateway, StoreConflict } from "@castellan/store";
import type { ElectionEvent } from "./election-state.ts";
import { fence, readMastership } from "./mastership.ts";

export interface SchemaWatch {
  /** The regular look. `seen`: the highest epoch known; `own`: the epoch that this server is master of. */
  poll(seen: number, own: number | null): void;
  /** A look out of turn, at who is master. */
  look(seen: number, own: number | null): void;
  survey(): void;
  /** An epoch was written, begun then. */
  confirmed(sentMs: number): void;
  /** Age of what was confirmed last, milliseconds. */
  confirmedAgeMs(): number | null;
  /** For how long the schema has answered without a break, milliseconds; null = it does not. */
  settledMs(): number | null;
  isAlone(): boolean;
  /** How often slaves should ask a master of this node, milliseconds. */
  askMs(): number;
  nameOf(serverId: number): string | null;
  close(): void;
}

/** Who belongs to the node is read again after this long, milliseconds. */
const MEMBERS_MS = 10_000;
/** An answer older than this is no contact, milliseconds. */
const FRESH_MS = 2500;
/** All slaves together ask so often: one question each so many milliseconds. */
const SPREAD_MS = 10;
const LEAST_ASK_MS = 100;
const MOST_ASK_MS = 2000;

export function createSchemaWatch(deps: {
  readonly gateway: Gateway;
  readonly clock: Clock;
  readonly log: Logger;
  readonly happened: (event: ElectionEvent) => void;
}): SchemaWatch {
  const { gateway, clock, log, happened } = deps;
  let names: ReadonlyMap<number, string> = new Map();
  let membersMs: number | null = null;
  let confirmedMs: number | null = null;
  let settledFromMs: number | null = null;
  let busy = false;
  let again: (() => void) | null = null;
  let surveying = false;
  let closed = false;

  const confirmed = (sentMs: number): void => {
    confirmedMs = Math.max(confirmedMs ?? sentMs, sentMs);
    settledFromMs ??= sentMs;
  };
  const broken = (what: string, thrown: unknown): void => {
    if (settledFromMs !== null) log.warn(what, { error: ensureError(thrown) });
    settledFromMs = null;
  };
  const readMembers = async (): Promise<void> => {
    const nowMs = clock.bootMs();
    // Whoever is alone looks each time: those who come judge a master by what it writes, and alone it writes nothing.
    if (membersMs !== null && names.size > 1 && nowMs - membersMs < MEMBERS_MS) return;
    const rows = await gateway.find("node_cluster");
    names = new Map(rows.map((row) => [row.logical_machine_id, row.physical_machine_name]));
    membersMs = nowMs;
  };
  const read = async (seen: number): Promise<void> => {
    const sentMs = clock.bootMs();
    const row = await readMastership(gateway);
    // A new server may be master before it was seen as a member.
    if (row.master_id !== null && !names.has(row.master_id)) membersMs = null;
    confirmed(sentMs);
    const { epoch, master_id: masterId, fence: moved, handover } = row;
    happened({ type: "Read", epoch, masterId, planned: handover === "planned", fence: moved, seenBefore: seen });
  };
  const confirm = async (own: number): Promise<void> => {
    const sentMs = clock.bootMs();
    try {
      await gateway.commit([fence(own)]);
      confirmed(sentMs);
    } catch (thrown) {
      if (!(thrown instanceof StoreConflict)) throw thrown;
      happened({ type: "Deposed", epoch: own });
    }
  };
  /** One at a time; what is asked for meanwhile follows. */
  const once = async (work: () => Promise<void>): Promise<void> => {
    if (closed) return;
    if (busy) {
      again = () => void once(work);
      return;
    }
    busy = true;
    try {
      await work();
    } catch (thrown) {
      broken("the schema does not say who is master", thrown);
    }
    busy = false;
    const next = again;
    again = null;
    next?.();
  };
  const readSurvey = async (): Promise<void> => {
    const [node, members, signs, states] = await Promise.all([
      readMastership(gateway),
      gateway.find("node_cluster"),
      gateway.find("sentinel"),
      gateway.find("server_state"),
    ]);
    names = new Map(members.map((row) => [row.logical_machine_id, row.physical_machine_name]));
    const signOf = new Map(signs.map((row) => [row.logical_machine_id, row]));
    const stateOf = new Map(states.map((row) => [row.logical_machine_id, row.state]));
    happened({
      type: "Surveyed",
      epoch: node.epoch,
      masterId: node.master_id,
      members: members.map(({ logical_machine_id: id }) => {
        const sign = signOf.get(id);
        return {
          id,
          sign: sign === undefined ? "" : `${sign.incarnation} ${sign.last_seen_at.getTime()}`,
          gone: sign === undefined || sign.ended_at !== null || stateOf.get(id) === "down",
        };
      }),
    });
  };

  return {
    poll(seen, own) {
      if (busy) return; // a slow look is followed by the next poll
      void once(async () => {
        await readMembers();
        // Alone there is nobody to write for.
        await (own === null || names.size <= 1 ? read(seen) : confirm(own));
      });
    },
    look(seen) {
      void once(async () => {
        await readMembers();
        await read(seen);
      });
    },
    survey() {
      if (surveying || closed) return;
      surveying = true;
      void readSurvey()
        .catch((thrown: unknown) => broken("the members could not be read", thrown))
        .then(() => {
          surveying = false;
        });
    },
    confirmed,
    confirmedAgeMs: () => (confirmedMs === null ? null : clock.bootMs() - confirmedMs),
    settledMs() {
      const nowMs = clock.bootMs();
      if (settledFromMs === null || confirmedMs === null || nowMs - confirmedMs > FRESH_MS) return null;
      return nowMs - settledFromMs;
    },
    isAlone: () => names.size <= 1,
    askMs: () => Math.min(MOST_ASK_MS, Math.max(LEAST_ASK_MS, names.size * SPREAD_MS)),
    nameOf: (serverId) => names.get(serverId) ?? null,
    close() {
      closed = true;
    },
  };
}
