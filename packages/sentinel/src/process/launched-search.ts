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

/** The live leader launched under a launch id: the first of those that lead a session. */
export function findLeader(proc: ProcReader, launchId: string): ProcessIdentity | null {
  return leaderOf(proc, proc.findLaunched(launchId));
}

function leaderOf(proc: ProcReader, found: readonly FoundProcess[]): ProcessIdentity | null {
  const [first] = found.filter((one) => one.isLeader).sort((a, b) => a.startTime - b.startTime);
  return first === undefined ? null : identityOf(proc, first);
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
  for (const record of loaded) {
    const found = byToken.get(processToken(record)) ?? [];
    byToken.delete(processToken(record));
    const kept =
      record.identity !== null && proc.isAlive(record.identity)
        ? record.identity
        : (leaderOf(
            proc,
            found.filter((one) => one.launchId === record.launchId),
          ) ?? leaderOf(proc, found));
    if (kept === null) continue;
    if (kept !== record.identity) {
      // Of the recorded order, or (its record never reached the disk) of a later one.
      const launchId = record.phase === "intent" ? record.launchId : kept.launchId;
      records.learn({ ...record, identity: kept, isReady: false, phase: "launched", launchId });
    }
    const others = found.filter((one) => one.isLeader && one.launchId !== kept.launchId);
    for (const other of others) {
      log.warn("a second process of one instance is killed", { ...labelOf(record), pid: other.pid, kept: kept.pid });
      groups.kill(identityOf(proc, other), false);
    }
  }
  const strays: ProcessKey[] = [];
  for (const [token, found] of byToken) {
    const key = parseProcessToken(token);
    const leader = leaderOf(proc, found);
    if (key === null || leader === null) continue;
    log.warn("a process without a record is adopted", { ...labelOf(key), pid: leader.pid });
    records.learn(strayRecord(key, leader));
    strays.push(key);
  }
  return [...loaded.map(({ type, instance }) => ({ type, instance })), ...strays];
}

const labelOf = ({ type, instance }: ProcessKey) => ({ type, instance });

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
