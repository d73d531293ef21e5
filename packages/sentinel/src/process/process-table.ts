/**
 * The process table of a server: one keeper per `process_config` row of it, each under the public name
 * {server, "process", token}.
 *
 * T1 Records and processes are looked at before anything is started: what runs is adopted, row or no row.
 * T2 The shared schema may be away: keepers of recorded instances work without it.
 * T3 An instance that is no longer defined is stopped, and only then forgotten.
 */
import {
  type ActorContext,
  type ActorRef,
  type Asking,
  type Behavior,
  type ReplyTo,
  receive,
  restart,
  setup,
  supervise,
} from "@castellan/actor";
import { CastellanError, ensureError, sleep } from "@castellan/kernel";
import { Keeper, type ProcessKey, type ProcessStatus, processLabel, processToken } from "@castellan/protocol";
import { createProcessKeeper } from "./keeper.ts";
import type { KeeperSettings, KeeperWorld } from "./keeper-deps.ts";
import type { KeeperCommand } from "./keeper-messages.ts";
import { attributesOf, type ProcessView } from "./keeper-settings.ts";
import { searchLaunched } from "./launched-search.ts";
import type { ProcessRecord } from "./record.ts";

export interface ProcessCounts {
  readonly total: number;
  /** Neither STOPPED nor SUSPENDED, as labels; those that are no longer defined and still ending are among them. */
  readonly active: readonly string[];
}

export type ProcessTableCommand =
  /** The configuration may have changed: read it now. */
  | { readonly type: "Refresh" }
  /** The local keeper of an instance, by a view that is fresh. Refused NO_SUCH_PROCESS. */
  | Asking<{ readonly type: "GetKeeper"; readonly key: ProcessKey }, ActorRef<KeeperCommand>>
  | Asking<{ readonly type: "GetCounts" }, ProcessCounts>
  /** The server's grant has ended. Answered when every keeper, of what an earlier worker has left behind too, knows it. */
  | Asking<{ readonly type: "Ungrant" }, void>
  | Private;

type Private =
  | { readonly type: "Loaded"; readonly records: readonly ProcessRecord[] }
  | { readonly type: "Ungranted"; readonly waiting: readonly ReplyTo<void>[]; readonly error: Error | null }
  | { readonly type: "ViewRead"; readonly view: ProcessView }
  | { readonly type: "ViewFailed"; readonly error: Error }
  | { readonly type: "StatusChanged"; readonly token: string; readonly status: ProcessStatus }
  | { readonly type: "KeeperGone"; readonly token: string; readonly ref: ActorRef<KeeperCommand> };

export interface ProcessTableDeps extends KeeperWorld {
  /** Usually `() => readNodeView(gateway)`. Rejects while the schema is away. */
  readonly readView: () => Promise<ProcessView>;
  /** As they were last read, for the time until the first view. */
  readonly knownAttributes?: ProcessView["attributes"];
  /** Default 5,000. */
  readonly refreshMs?: number;
}

/** A view younger than this is fresh enough to look up an instance, milliseconds. */
const FRESH_MS = 200;
/** A view that takes longer counts as failed, milliseconds. */
const READ_MS = 15_000;
/** A keeper has been told within this, milliseconds: the writing of its record is all that may hold it up. */
const UNGRANT_MS = 15_000;
/** More lookups than this do not wait for one view. */
const MOST_LOOKUPS = 2000;

export function createProcessTable(deps: ProcessTableDeps): Behavior<ProcessTableCommand> {
  return supervise(
    setup((context: ActorContext<ProcessTableCommand>) => run(deps, context)),
    restart({ maxRestarts: 10, withinMs: 60_000, backoff: { firstMs: 100, maxMs: 5000 } }),
  );
}

interface Kept {
  readonly key: ProcessKey;
  readonly ref: ActorRef<KeeperCommand>;
  isRetiring: boolean;
  status: ProcessStatus;
}

function run(deps: ProcessTableDeps, context: ActorContext<ProcessTableCommand>): Behavior<ProcessTableCommand> {
  const { identity: who, records } = deps;
  const { log, clock, self } = context;
  const kept = new Map<string, Kept>();
  let lookups: { key: ProcessKey; atMs: number; replyTo: ReplyTo<ActorRef<KeeperCommand>> }[] = [];
  let ungrants: ReplyTo<void>[] = [];
  let isLoaded = false;
  let isReading = false;
  let isWantedAgain = false;
  let readAtMs = Number.NEGATIVE_INFINITY;
  let startedReadingMs = 0;

  const keep = (key: ProcessKey, settings: KeeperSettings): void => {
    const token = processToken(key);
    const onStatus = (status: ProcessStatus): void => self.tell({ type: "StatusChanged", token, status });
    const ref = context.spawn(createProcessKeeper({ ...deps, ...settings, key, onStatus }), token);
    context.system.expose(Keeper, token, ref);
    context.watch(ref, { type: "KeeperGone", token, ref });
    kept.set(token, { key, ref, isRetiring: false, status: "STOPPED" });
  };

  const readWithin = async (deadlineMs: number): Promise<ProcessView> => {
    const enough = new AbortController();
    const late = sleep(clock, deadlineMs, enough.signal).then((): never => {
      throw new CastellanError("STORE_UNAVAILABLE", "the schema does not answer", { retryable: true });
    });
    late.catch(() => undefined); // when the view came in time nobody looks at it
    try {
      return await Promise.race([deps.readView(), late]);
    } finally {
      enough.abort();
    }
  };

  const read = (): void => {
    if (!isLoaded) return;
    if (isReading) {
      isWantedAgain = true;
      return;
    }
    isReading = true;
    isWantedAgain = false;
    startedReadingMs = clock.bootMs();
    context.pipeToSelf(readWithin(READ_MS), {
      ok: (view): ProcessTableCommand => ({ type: "ViewRead", view }),
      failed: (error): ProcessTableCommand => ({ type: "ViewFailed", error }),
    });
  };

  const apply = (view: ProcessView): void => {
    const defined = new Set<string>();
    for (const row of view.instances) {
      if (row.serverId !== who.serverId) continue;
      const key: ProcessKey = { type: row.type, instance: row.instance };
      const token = processToken(key);
      defined.add(token);
      const definition = view.types.get(row.type) ?? null;
      const settings = { definition, ...attributesOf(view, who.serverId, key) };
      const known = kept.get(token);
      if (known === undefined) keep(key, settings);
      // One that is retiring ends first; the next view finds no keeper and makes a new one.
      else if (!known.isRetiring) known.ref.tell({ type: "Configure", settings });
    }
    for (const [token, known] of kept) {
      if (defined.has(token) || known.isRetiring) continue;
      known.isRetiring = true;
      log.info("an instance is no longer defined and is stopped", {
        type: known.key.type,
        instance: known.key.instance,
      });
      known.ref.tell({ type: "Retire" });
    }
  };

  /** Who is found is answered; "no such process" is said only by a view that was begun after the question. */
  const answerLookups = (hasFailed: boolean): void => {
    const waiting = lookups;
    lookups = [];
    for (const lookup of waiting) {
      const { key, atMs, replyTo } = lookup;
      const known = kept.get(processToken(key));
      if (known !== undefined && !known.isRetiring) replyTo.success(known.ref);
      else if (hasFailed || readAtMs >= atMs) replyTo.refuse(noSuchProcess(key, who.server, known !== undefined));
      else lookups.push(lookup);
    }
  };
  const finishReading = (hasFailed: boolean): void => {
    isReading = false;
    answerLookups(hasFailed);
    if (isWantedAgain || lookups.length > 0) read();
  };

  const ungrant = (waiting: readonly ReplyTo<void>[]): void => {
    const told = [...kept.values()].map(({ ref }) =>
      ref.ask<"Ungrant">({ type: "Ungrant" }, { timeoutMs: UNGRANT_MS }),
    );
    context.pipeToSelf(Promise.all(told), {
      ok: (): ProcessTableCommand => ({ type: "Ungranted", waiting, error: null }),
      failed: (error): ProcessTableCommand => ({ type: "Ungranted", waiting, error }),
    });
  };

  context.pipeToSelf(records.load(), {
    ok: (loaded): ProcessTableCommand => ({ type: "Loaded", records: loaded }),
    failed: (): ProcessTableCommand => ({ type: "Loaded", records: [] }),
  });
  context.timers.every("refresh", deps.refreshMs ?? 5000, { type: "Refresh" });

  return receive<ProcessTableCommand>({
    Loaded({ records: loaded }) {
      for (const key of searchLaunched({ ...deps, log }, loaded)) {
        const definition = records.get(key)?.definition ?? null;
        keep(key, { definition, ...attributesOf({ attributes: deps.knownAttributes ?? [] }, who.serverId, key) });
      }
      isLoaded = true;
      if (ungrants.length > 0) ungrant(ungrants);
      ungrants = [];
      read();
    },
    Refresh: () => read(),
    ViewRead({ view }) {
      readAtMs = startedReadingMs;
      apply(view);
      finishReading(false);
    },
    ViewFailed({ error }) {
      log.warn("the process configuration cannot be read now; keeping what is known", {
        error: ensureError(error).message,
      });
      finishReading(true);
    },
    GetKeeper({ key }, replyTo) {
      if (lookups.length >= MOST_LOOKUPS) {
        replyTo.refuse(new CastellanError("BUSY", "too many lookups are waiting", { retryable: true }));
        return;
      }
      lookups.push({ key, atMs: clock.bootMs(), replyTo });
      if (clock.bootMs() - readAtMs < FRESH_MS) answerLookups(false);
      if (lookups.length > 0) read();
    },
    GetCounts(_message, replyTo) {
      const all = [...kept.values()];
      const active = all.filter(({ status }) => status !== "STOPPED" && status !== "SUSPENDED");
      replyTo.success({ total: all.length, active: active.map(({ key }) => processLabel(key)) });
    },
    Ungrant(_message, replyTo) {
      if (isLoaded) ungrant([replyTo]);
      else ungrants.push(replyTo);
    },
    Ungranted({ waiting, error }) {
      for (const replyTo of waiting) {
        if (error === null) replyTo.success(undefined);
        else replyTo.refuse(new CastellanError("KEEPERS_BUSY", error.message, { retryable: true }));
      }
    },
    StatusChanged({ token, status }) {
      const known = kept.get(token);
      if (known !== undefined) known.status = status;
    },
    KeeperGone({ token, ref }) {
      if (kept.get(token)?.ref === ref) kept.delete(token);
      read(); // it may be defined again already
    },
  });
}

function noSuchProcess(key: ProcessKey, server: string, isRetiring: boolean): CastellanError {
  return isRetiring
    ? new CastellanError("NO_SUCH_PROCESS", `${processLabel(key)} was removed from ${server} and is being stopped`, {
        retryable: true,
      })
    : new CastellanError("NO_SUCH_PROCESS", `${processLabel(key)} is not defined on ${server}`);
}
