/**
 * One round of the error-file watch: list, look at each file, write down what follows and tell it. Rounds of one watch never
 * overlap. What a round learns is committed per pass, so a crash loses and doubles nothing.
 */
import { createHash } from "node:crypto";
import { basename, join } from "node:path";
import type { Clock, Logger } from "@castellan/kernel";
import { causeKey } from "@castellan/protocol";
import { createAlertJournal, type Report } from "../alert-journal.ts";
import type { AlertSink, SentinelIdentity } from "../ports.ts";
import { type Cursor, ErrorFilesState, identityOf, type Refusal } from "./cursor.ts";
import { refusalReport } from "./error-file-words.ts";
import { cursorAtEnd, followFile, type Look } from "./follow-file.ts";
import { type FoundFile, type Listing, listErrorFiles } from "./list-files.ts";
import { isArchivedName } from "./names.ts";

export interface ErrorFileRoundDeps {
  readonly identity: Pick<SentinelIdentity, "server" | "home">;
  readonly alerts: AlertSink;
  /** Whether this server checks its error files (`node_cluster.check_error_files`); asked in every round. */
  readonly enabled: () => boolean;
  /** Relative to the home directory; asked in every round. */
  readonly patterns: () => readonly string[];
}

/** Cursors kept, those of vanished files included: a directory that is away for a moment is not read anew. */
const MAX_CURSORS = 2_000;
/** Passes over a backlog before others get a turn. */
const MAX_PASSES = 16;

interface Pass {
  readonly state: ErrorFilesState;
  readonly reports: readonly Report[];
  readonly againInMs: number | null;
}

/** Gives after how many milliseconds the next round is wanted; null = when something happens. */
export function createErrorFileRound(
  deps: ErrorFileRoundDeps,
  clock: Clock,
  log: Logger,
): () => Promise<number | null> {
  const { identity, enabled, patterns } = deps;
  const { server, home } = identity;
  const path = join(home, "run", "error-files.json");
  const journal = createAlertJournal({ path, schema: ErrorFilesState, alerts: deps.alerts, log });
  const waits = createWaits(clock);
  let state: ErrorFilesState | null = null;
  let isCutTold = false;

  return async () => {
    const loaded = state ?? (await journal.load());
    // Silenced before a restart: nobody has followed the files since.
    const wasAway = state === null && loaded?.isSilenced === true;
    state = loaded ?? emptyState(clock.now());
    for (let pass = 0; pass < MAX_PASSES; pass += 1) {
      const listing = await listErrorFiles(home, patterns());
      if (listing.isCut && !isCutTold) log.warn("too many error files; those last in the alphabet are not watched");
      isCutTold = listing.isCut;
      if (!enabled() || (wasAway && pass === 0)) {
        const silenced: ErrorFilesState = jumpToEnd(state, listing, !enabled());
        // Followed in memory only; on disk it is enough that it is silenced.
        if (silenced.isSilenced !== state.isSilenced) await journal.commit(silenced, []);
        state = silenced;
        if (silenced.isSilenced) return null;
      }
      const next = await look(state, listing);
      await journal.commit(next.state, next.reports);
      state = next.state;
      if (next.againInMs !== 0) return next.againInMs;
    }
    return 0;
  };

  async function look(before: ErrorFilesState, listing: Listing): Promise<Pass> {
    const known = new Map(before.cursors.map((cursor) => [identityOf(cursor), cursor]));
    const reports: Report[] = [];
    const refused = new Map(listing.refused.map((refusal) => [refusal.path, refusal.reason]));
    let againInMs: number | null = null;
    for (const file of listing.files) {
      const id = identityOf(file);
      const cursor = known.get(id) ?? null;
      if (cursor === null && isArchivedName(basename(file.path))) continue;
      const found: Look = await followFile(cursor, file, {
        server,
        now: clock.now(),
        waitedMs: () => waits.waitedMs(id, cursor?.offset ?? -1),
      });
      if (found.againInMs === null) waits.end(id);
      else {
        waits.waitedMs(id, found.cursor?.offset ?? -1);
        againInMs = Math.min(againInMs ?? found.againInMs, found.againInMs);
      }
      if (found.report) reports.push(found.report);
      if (found.refusal !== null) refused.set(file.path, found.refusal);
      if (found.cursor) {
        // Last seen, last in order: the oldest vanished ones are forgotten first.
        known.delete(id);
        known.set(id, found.cursor);
      }
    }
    waits.keep(listing.files);
    const { refusals, nextGeneration } = decideRefusals(before, refused, reports);
    const cursors = [...known.values()].slice(-MAX_CURSORS);
    return { state: { cursors, refusals, nextGeneration, isSilenced: false }, reports, againInMs };
  }

  function decideRefusals(
    before: ErrorFilesState,
    refused: ReadonlyMap<string, string>,
    reports: Report[],
  ): Pick<ErrorFilesState, "refusals" | "nextGeneration"> {
    const refusals: Refusal[] = [];
    let { nextGeneration } = before;
    for (const refusal of before.refusals) {
      if (refused.has(refusal.path)) refusals.push(refusal);
      else reports.push(refusalReport(refusal, null, server, clock.now()));
    }
    const open = new Set(refusals.map((refusal) => refusal.path));
    for (const [subject, reason] of refused) {
      if (open.has(subject)) continue;
      const parts = { kind: "warn-file", server, subject, generation: String(nextGeneration) } as const;
      const refusal = { path: subject, cause: causeKey(parts, sha256) };
      nextGeneration += 1;
      log.warn("an error file is not read", { path: subject, reason });
      reports.push(refusalReport(refusal, reason, server, clock.now()));
      refusals.push(refusal);
    }
    return { refusals, nextGeneration };
  }

  function jumpToEnd(before: ErrorFilesState, listing: Listing, isSilenced: boolean): ErrorFilesState {
    const known = new Map(before.cursors.map((cursor) => [identityOf(cursor), cursor]));
    for (const file of listing.files) {
      const id = identityOf(file);
      const cursor: Cursor | null = known.get(id) ?? null;
      if (cursor === null && isArchivedName(basename(file.path))) continue;
      known.set(id, cursorAtEnd(cursor, file, server));
    }
    return { ...before, cursors: [...known.values()].slice(-MAX_CURSORS), isSilenced };
  }
}

function emptyState(now: Date): ErrorFilesState {
  // From the time, so that a lost state file never gives an old refusal's number to a new one.
  return {
    cursors: [],
    refusals: [],
    nextGeneration: Math.max(1, Math.floor(now.getTime() / 1000)),
    isSilenced: false,
  };
}

interface Waits {
  waitedMs(id: string, offset: number): number;
  end(id: string): void;
  keep(files: readonly FoundFile[]): void;
}

/** Since when each file has been waited for; starts again when its cursor has moved. */
function createWaits(clock: Clock): Waits {
  const since = new Map<string, { atMs: number; offset: number }>();
  return {
    waitedMs(id, offset) {
      const wait = since.get(id);
      if (wait?.offset === offset) return clock.bootMs() - wait.atMs;
      since.set(id, { atMs: clock.bootMs(), offset });
      return 0;
    },
    end: (id) => void since.delete(id),
    keep(files) {
      const present = new Set(files.map(identityOf));
      for (const id of since.keys()) if (!present.has(id)) since.delete(id);
    },
  };
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
