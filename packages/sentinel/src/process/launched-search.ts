/**
 * At the start of a worker: which of the processes that run are those of the records, and which are nobody's.
 * Changes records in memory; signals only processes that must not be.
 */
import type { Logger } from "@castellan/kernel";
import { type ProcessKey, parseProcessToken, processToken } from "@castellan/protocol";
import type { SentinelIdentity } from "../ports.ts";
import type { ProcessGroups } from "./group.ts";
import type { FoundProcess, ProcessIdentity, ProcReader } from "./identity.ts";
import type { ProcessRecord, RecordStore } from "./record.ts";
import { countUnseen } from "./restart-window.ts";

/**
 * The process that a record knows nothing of because its worker was killed between the spawn and the record, or null: the
 * last launch of the recorded order, or else of another order. Never what a launch that is on record left behind when it died:
 * that carries an attempt that is on record, or the launch id of the recorded process.
 */
function unrecorded(record: ProcessRecord, found: readonly FoundProcess[]): FoundProcess | null {
  const isReplacing = record.identity !== null && record.identity.launchId !== record.launchId;
  const isPending = record.phase === "intent" || record.phase === "backing-off";
  const attempts = isReplacing ? 0 : isPending ? record.restarts : record.restarts + 1;
  const own = found.filter(({ launchId, attempt }) => launchId === record.launchId && attempt >= attempts);
  const others = found.filter(({ launchId }) => launchId !== record.launchId && launchId !== record.identity?.launchId);
  return leaderOf(own) ?? leaderOf(others);
}

/** Looks at the whole process table. */
export function findUnrecorded(record: ProcessRecord, proc: ProcReader): ProcessIdentity | null {
  if (record.launchId === null) return null;
  const found = unrecorded(record, proc.findLaunched(record.launchId));
  return found === null ? null : identityOf(proc, found);
}

/** Of the last attempt the first that leads a session: whoever else does was made by it. */
function leaderOf(found: readonly FoundProcess[]): FoundProcess | null {
  const leaders = found.filter(({ isLeader }) => isLeader);
  return leaders.sort((a, b) => b.attempt - a.attempt || a.startTime - b.startTime)[0] ?? null;
}

const identityOf = (proc: ProcReader, { pid, startTime, launchId }: FoundProcess): ProcessIdentity => ({
  pid,
  startTime,
  launchId,
  bootId: proc.bootId,
});

export interface SearchDeps {
  readonly identity: SentinelIdentity;
  readonly records: RecordStore;
  readonly proc: ProcReader;
  readonly groups: ProcessGroups;
  readonly log: Logger;
}

/**
 * Completes the records from the process table: an intent whose process was spawned gets its identity, a process whose
 * record is lost gets a record, and a second process of one instance is killed. Returns the keys of all records.
 */
export function searchLaunched(deps: SearchDeps, loaded: readonly ProcessRecord[]): ProcessKey[] {
  const { identity: who, records, proc, groups, log } = deps;
  const byToken = new Map<string, FoundProcess[]>();
  for (const found of proc.findLaunched()) {
    const { labels } = found;
    if (labels.get("CASTELLAN_HOME") !== who.home || labels.get("CASTELLAN_SERVER") !== who.server) continue;
    const token = `${labels.get("CASTELLAN_TYPE")?.toLowerCase() ?? ""}_${labels.get("CASTELLAN_INSTANCE") ?? ""}`;
    byToken.set(token, [...(byToken.get(token) ?? []), found]);
  }
  const killOthers = (found: readonly FoundProcess[], kept: FoundProcess | null): void => {
    for (const other of found) {
      // What the kept one has made a session of its own belongs to it.
      if (!other.isLeader || (other.launchId === kept?.launchId && other.attempt === kept.attempt)) continue;
      log.warn("a second process of one instance is killed", { pid: other.pid, kept: kept?.pid ?? null });
      groups.kill(identityOf(proc, other), false, "group");
    }
  };
  for (const record of loaded) {
    const found = byToken.get(processToken(record)) ?? [];
    byToken.delete(processToken(record));
    const isAlive = record.identity !== null && proc.isAlive(record.identity);
    const kept = isAlive ? found.find(({ pid }) => pid === record.identity?.pid) : unrecorded(record, found);
    if (!isAlive && kept) records.learn(completed(record, kept, proc));
    // Of a dead one that is on record, its keeper clears away what is left.
    if (kept) killOthers(found, kept);
    else if (record.identity === null) killOthers(found, null);
  }
  const strays: ProcessKey[] = [];
  for (const [token, found] of byToken) {
    const key = parseProcessToken(token);
    const leader = leaderOf(found);
    if (key === null || leader === null) continue;
    log.warn("a process without a record is adopted", { ...key, pid: leader.pid });
    records.learn(strayRecord(key, identityOf(proc, leader)));
    strays.push(key);
  }
  return [...loaded.map(({ type, instance }) => ({ type, instance })), ...strays];
}

/** With the process that was found, and the launches counted that nobody could write down. */
function completed(record: ProcessRecord, found: FoundProcess, proc: ProcReader): ProcessRecord {
  const isOwn = found.launchId === record.launchId;
  const restarts = isOwn ? Math.max(record.restarts, found.attempt) : record.restarts;
  const ranMs = record.identity === null ? 0 : (found.startTime - record.identity.startTime) * 10;
  return {
    ...record,
    identity: identityOf(proc, found),
    isReady: false,
    phase: "launched",
    // Of the recorded order, or (its record never reached the disk) of a later one.
    launchId: record.phase === "intent" ? record.launchId : found.launchId,
    restarts,
    window: [...countUnseen(record.window, restarts - record.restarts, ranMs)],
  };
}

const strayRecord = (key: ProcessKey, identity: ProcessIdentity): ProcessRecord => ({
  version: 1,
  type: key.type,
  instance: key.instance,
  wish: "RUNNING",
  phase: "launched",
  launchId: identity.launchId,
  identity,
  isReady: false,
  logOffset: 0,
  window: [],
  restarts: 0,
  comment: "",
  since: null,
  alert: null,
  definition: null,
});
