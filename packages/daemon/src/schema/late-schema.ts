/**
 * The shared schema of a worker, from before it can be reached to its end. A worker that knows from its ledger who it is
 * waits a moment, and then works without: whoever reads or writes is told "not yet" (retryable) until it has joined.
 *
 * D1 Nothing is written before this start has taken its incarnation: what was buffered meanwhile is written under that one.
 * D2 A start takes one incarnation, however often it has to try.
 */
import { CastellanError, type Clock, ensureError, type Logger, sleep } from "@castellan/kernel";
import { type Gateway, StoreUnavailable } from "@castellan/store";
import type { Membership } from "./ledger.ts";

export interface LateSchema {
  readonly gateway: Gateway;
  /** Who we are: by the ledger, until the schema has said it. */
  membership(): Membership;
  /** Resolves once the schema is there and this start counts in it; rejects when the worker ends first, or must. */
  readonly joined: Promise<void>;
}

export interface LateSchemaDeps {
  readonly open: () => Promise<Gateway>;
  /** Takes the incarnation of this start. Called again after a failure that may pass, and must know itself then. */
  readonly join: (gateway: Gateway) => Promise<Membership>;
  readonly known: Membership | null;
  /** It cannot be used, and this worker is at work already: it has to end. */
  readonly refused: (error: Error) => void;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** How long a worker that knows who it is waits, milliseconds. */
  readonly graceMs?: number;
}

const RETRY_MS = 500;
const GRACE_MS = 2000;

const isPassing = (thrown: unknown): boolean => thrown instanceof CastellanError && thrown.retryable;

/** Rejects when the schema cannot be used (no member, wrong version, no permission), or the worker ends before. */
export async function openLateSchema(deps: LateSchemaDeps): Promise<LateSchema> {
  const { clock, known, log, signal } = deps;
  let membership = known;
  let gateway: Gateway | null = null;
  let isClosed = false;
  /** As the one that the ledger says. */
  let isAtWork = false;

  const joinOnce = async (): Promise<void> => {
    const opened = await deps.open();
    try {
      const joined = await deps.join(opened);
      if (isAtWork && joined.serverId !== membership?.serverId) throw anotherServer(joined);
      membership = joined;
    } catch (thrown) {
      await opened.close();
      throw thrown;
    }
    if (isClosed) await opened.close();
    else gateway = opened;
  };
  const joining = async (): Promise<void> => {
    for (let failures = 0; ; failures += 1) {
      try {
        await joinOnce();
        if (failures > 0) log.info("the database is there");
        return;
      } catch (thrown) {
        if (!isPassing(thrown) || signal.aborted || isClosed) throw thrown;
        if (failures === 0) log.warn("the database cannot be reached; trying again", { error: ensureError(thrown) });
        await sleep(clock, RETRY_MS, signal);
      }
    }
  };

  const joined = joining();
  if (known === null) await joined;
  else {
    const grace = new AbortController();
    await Promise.race([joined, sleep(clock, deps.graceMs ?? GRACE_MS, grace.signal)]);
    grace.abort();
  }
  if (gateway === null) {
    isAtWork = true;
    log.warn("the database is away: what runs is kept by what is known of it, and orders wait", { ...membership });
    joined.catch((thrown: unknown) => {
      if (!signal.aborted && !isClosed) deps.refused(ensureError(thrown));
    });
  }

  const there = (): Gateway => {
    if (gateway === null) throw new StoreUnavailable("the database has not been reached since this worker started");
    return gateway;
  };
  return {
    gateway: {
      find: async (table, query) => await there().find(table, query),
      commit: async (writes) => await there().commit(writes),
      async close() {
        isClosed = true;
        await gateway?.close();
      },
    },
    membership() {
      if (membership === null) throw new CastellanError("NOT_A_MEMBER", "this server has not joined its node");
      return membership;
    },
    joined,
  };
}

/** The records, statuses and alerts of this worker are those of the one it took itself for. */
const anotherServer = ({ serverId }: Membership): CastellanError =>
  new CastellanError("ANOTHER_SERVER", `this server is number ${serverId} of its node now: its sentinel begins anew`);
