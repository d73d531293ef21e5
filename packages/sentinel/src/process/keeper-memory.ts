/** Between what a keeper knows and what its record keeps. */
import type { ProcessKey, ProcessStatus } from "@castellan/protocol";
import type { ProcessGroups } from "./group.ts";
import type { ProcessIdentity, ProcReader } from "./identity.ts";
import { initialState, isDownWish, type KeeperEvent, type KeeperState, type Phase, processOf } from "./keeper-state.ts";
import { findUnrecorded } from "./launched-search.ts";
import type { LaunchDefinition, ProcessRecord } from "./record.ts";
import type { RestartPolicy } from "./restart-window.ts";

const RECORDED: Readonly<Record<Phase["at"], ProcessRecord["phase"]>> = {
  stopped: "stopped",
  held: "held",
  launching: "intent",
  "waiting-ready": "launched",
  running: "launched",
  paused: "launched",
  stopping: "launched",
  killing: "launched",
  "backing-off": "backing-off",
  suspended: "suspended",
};

export interface BesideState {
  readonly key: ProcessKey;
  readonly since: Date | null;
  readonly logOffset: number;
  readonly definition: LaunchDefinition | null;
}

export function toRecord(state: KeeperState, { key, since, logOffset, definition }: BesideState): ProcessRecord {
  const { at } = state.phase;
  return {
    version: 1,
    type: key.type,
    instance: key.instance,
    wish: state.wish,
    phase: RECORDED[at],
    launchId: state.launchId,
    identity: processOf(state.phase),
    isReady: at === "running" || at === "paused",
    logOffset,
    window: [...state.window],
    restarts: state.restarts,
    comment: state.comment,
    since: since?.toISOString() ?? null,
    alert: state.alert,
    definition,
  };
}

/** What is known before anybody has looked at the processes. */
export function fromRecord(record: ProcessRecord): KeeperState {
  const { wish, launchId, window, restarts, comment, alert } = record;
  return { ...initialState, wish, launchId, window, restarts, comment, alert };
}

/** The status its predecessor told last, so that `since` goes on when nothing has changed. */
export function recordedStatus({ wish, phase, isReady }: ProcessRecord): ProcessStatus {
  if (phase === "stopped") return "STOPPED";
  if (phase === "suspended") return "SUSPENDED";
  if (phase !== "launched" || !isReady) return "STARTING";
  return wish === "PAUSED" ? "PAUSED" : "RUNNING";
}

/** Looks. The whole process table is read only when the recorded process is not there. */
export function restoredEvent(
  record: ProcessRecord,
  proc: ProcReader,
  groups: ProcessGroups,
  policy: RestartPolicy,
  isTold: (death: ProcessIdentity) => boolean,
): Extract<KeeperEvent, { type: "restored" }> {
  const { identity, phase: recorded, isReady } = record;
  const restored = { type: "restored", recorded, policy } as const;
  if (identity !== null && proc.isAlive(identity)) {
    return { ...restored, isReady, found: { kind: "alive", process: identity } };
  }
  const hasRebooted = identity !== null && identity.bootId !== proc.bootId;
  const mayLive = recorded === "intent" || recorded === "launched" || recorded === "backing-off";
  const found = mayLive && !hasRebooted ? findUnrecorded(record, proc) : null;
  if (found !== null) return { ...restored, isReady: false, found: { kind: "alive", process: found } };
  if (identity === null || hasRebooted) {
    return { ...restored, isReady: false, found: { kind: "nothing", hasRebooted } };
  }
  const hasLeftovers = !groups.isGone(identity, false, isDownWish(record.wish) ? "launch" : "group");
  return {
    ...restored,
    isReady: false,
    found: { kind: "dead", process: identity, hasLeftovers, isTold: isTold(identity) },
  };
}
