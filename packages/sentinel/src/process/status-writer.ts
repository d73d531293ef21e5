/**
 * Writes what runs into the shared schema: the status columns of `process_config`, `running_processes`, and
 * `process_event_log`. Whoever keeps a process never waits for the database.
 *
 * S1 Every commit is guarded by our incarnation: a newer sentinel of this server ends our writing, for good.
 * S2 Of an instance only the latest status is kept for writing; of events the last 10,000, in order, the oldest dropped first.
 * S3 A commit may be repeated: every write in it leaves the same rows the second time.
 */
import {
  backoffMs,
  CastellanError,
  type Clock,
  ensureError,
  type IdSource,
  type Logger,
  type Rng,
  sleep,
} from "@castellan/kernel";
import { processToken } from "@castellan/protocol";
import { type Gateway, insertIfAbsent, type Row, StoreConflict, update, type Write } from "@castellan/store";
import type { SentinelIdentity } from "../ports.ts";
import { eventRow, type StatusChange, statusWrites } from "./status-rows.ts";

export interface StatusWriter {
  /** Takes a change; never throws and never waits. */
  record(change: StatusChange): void;
  /** Waits until everything recorded so far is written; false when the deadline came first or we are superseded. */
  flush(deadlineMs: number): Promise<boolean>;
  /** Stops writing after the commit in hand. */
  close(): Promise<void>;
  /** Events that were never written. */
  readonly dropped: number;
}

export interface StatusWriterDeps {
  readonly gateway: Gateway;
  readonly identity: Pick<SentinelIdentity, "serverId" | "incarnation">;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly newId: IdSource;
  readonly log: Logger;
  /** A newer sentinel of this server has taken over: called once. */
  readonly onSuperseded: () => void;
  /** Deaths are on record: whoever sees to dependents may look. Must not throw; may get lost. */
  readonly onDeaths?: () => void;
}

const MOST_EVENTS = 10_000;
const MOST_WRITES = 400;
const RETRY = { firstMs: 50, maxMs: 5000 };

export function createStatusWriter(deps: StatusWriterDeps): StatusWriter {
  const { gateway, identity, clock, rng, newId, log, onSuperseded } = deps;
  const statuses = new Map<string, StatusChange>();
  const events: Row<"process_event_log">[] = [];
  const closing = new AbortController();
  /** Whoever waits for the next commit, or for the end of writing. */
  const waiters = new Set<() => void>();
  let dropped = 0;
  let writing: Promise<void> | null = null;

  const tellWaiters = (): void => {
    for (const tell of waiters) tell();
  };
  const nextCommit = (withinMs: number): Promise<void> =>
    new Promise((resolve) => {
      const done = (): void => {
        timer.cancel();
        waiters.delete(done);
        resolve();
      };
      const timer = clock.after(withinMs, done);
      waiters.add(done);
    });

  /** One commit: as many statuses as fit, then as many events. */
  const writeSome = async (mostWrites: number): Promise<"done" | "more"> => {
    const writes: Write[] = [
      update(
        "sentinel",
        { logical_machine_id: identity.serverId, incarnation: identity.incarnation },
        { last_seen_at: clock.now() },
      ),
    ];
    const taken: [string, StatusChange][] = [];
    for (const entry of statuses) {
      if (writes.length > 1 && writes.length + 3 > mostWrites) break;
      taken.push(entry);
      writes.push(...statusWrites(entry[1], identity));
    }
    const count = Math.min(events.length, Math.max(taken.length > 0 ? 0 : 1, mostWrites - writes.length));
    const rows = events.slice(0, count);
    writes.push(...rows.map((row) => insertIfAbsent("process_event_log", row)));
    if (taken.length === 0 && rows.length === 0) return "done";
    try {
      await gateway.commit(writes);
    } catch (thrown) {
      // A single change that the store will never take must not stand in the way of all others.
      const isHopeless = !(thrown instanceof StoreConflict) && thrown instanceof CastellanError && !thrown.retryable;
      if (!isHopeless || taken.length + rows.length > 1) throw thrown;
      log.error("a status change cannot be written and is dropped", {
        change: taken[0]?.[1] ?? rows[0],
        error: thrown,
      });
      dropped += 1;
    }
    for (const [token, change] of taken) if (statuses.get(token) === change) statuses.delete(token);
    // While we wrote, the oldest may have been dropped for newer ones.
    if (rows.some((row) => !row.followed)) deps.onDeaths?.();
    const written = new Set(rows.map((row) => row.id));
    while (events[0] !== undefined && written.has(events[0].id)) events.shift();
    tellWaiters();
    return "more";
  };

  const isPending = (one: StatusChange | Row<"process_event_log">): boolean =>
    "key" in one ? statuses.get(processToken(one.key)) === one : events.includes(one);

  const run = async (): Promise<void> => {
    let attempt = 0;
    let mostWrites = MOST_WRITES;
    while (!closing.signal.aborted) {
      try {
        if ((await writeSome(mostWrites)) === "done") return;
        attempt = 0;
        mostWrites = MOST_WRITES;
        // A commit may hold up everything else: what has happened meanwhile has its turn before the next.
        await turn();
      } catch (thrown) {
        if (thrown instanceof StoreConflict && thrown.index === 0) {
          closing.abort();
          log.warn("a newer sentinel of this server has taken over; this one writes nothing more", { ...identity });
          onSuperseded();
          return;
        }
        const isRetryable = thrown instanceof CastellanError && thrown.retryable;
        if (attempt === 0) {
          log.warn("process status cannot be written now; trying again", { error: ensureError(thrown).message });
        }
        // Something in this batch is refused: go on one by one until it is found.
        if (!isRetryable) mostWrites = 1;
        await sleep(clock, backoffMs(RETRY, attempt, rng), closing.signal);
        attempt += 1;
      }
    }
  };

  const wake = (): void => {
    if (writing !== null || closing.signal.aborted) return;
    // Begun in a later turn of the event loop: what happens together is written together, and a commit, which may hold up
    // everything (SQLite, a sync of the disk), comes after the launch of a replacement and not before it.
    writing = turn()
      .then(run)
      .catch((thrown: unknown) => log.error("the status writer failed", { error: ensureError(thrown) }))
      .finally(() => {
        writing = null;
        tellWaiters();
        if (statuses.size + events.length > 0) wake();
      });
  };

  return {
    record(change) {
      if (closing.signal.aborted) return;
      const token = processToken(change.key);
      statuses.delete(token); // to the end of the order
      statuses.set(token, change);
      if (change.event !== null) {
        events.push(eventRow(change.key, change.event, { serverId: identity.serverId, newId, now: clock.now() }));
        if (events.length > MOST_EVENTS) {
          events.shift();
          dropped += 1;
        }
      }
      wake();
    },
    async flush(deadlineMs) {
      // Events are written in order: the last one stands for all.
      const awaited = [...statuses.values(), ...events.slice(-1)];
      const isWritten = () => !awaited.some((one) => isPending(one));
      const deadline = clock.bootMs() + deadlineMs;
      while (!isWritten()) {
        const left = deadline - clock.bootMs();
        if (closing.signal.aborted || left <= 0) return false;
        wake();
        await nextCommit(left);
      }
      return true;
    },
    async close() {
      closing.abort();
      await writing;
    },
    get dropped() {
      return dropped;
    },
  };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
