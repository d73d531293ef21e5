/** The effects of a keeper: what touches processes, disk, clock and the other parts of the sentinel. */
import { resolve } from "node:path";
import type { ActorContext } from "@castellan/actor";
import { backoffMs, ensureError, sleep } from "@castellan/kernel";
import type { ProcessStatus } from "@castellan/protocol";
import type { AlertSink, EventSink, MessageLog, SentinelIdentity } from "../ports.ts";
import type { DeathWatch } from "./death-watch.ts";
import type { ProcessGroups } from "./group.ts";
import type { ProcessIdentity, ProcReader } from "./identity.ts";
import type { KeeperCommand, KeeperDeps } from "./keeper.ts";
import { fromRecord, recordedStatus, restoredEvent, toRecord } from "./keeper-memory.ts";
import {
  initialState,
  type KeeperEffect,
  type KeeperEvent,
  type KeeperState,
  processOf,
  type RefusalCode,
  sameProcess,
  statusOf,
} from "./keeper-state.ts";
import { createKeeperVoice } from "./keeper-voice.ts";
import { readLastLine } from "./last-line.ts";
import { type Launcher, logFileOf, sizeOf } from "./launch.ts";
import { awaitReady } from "./readiness.ts";
import type { LaunchDefinition, RecordStore } from "./record.ts";
import { RESTART_BACKOFF, type RestartPolicy } from "./restart-window.ts";
import type { StatusWriter } from "./status-writer.ts";
import { createFill } from "./template.ts";

/** What all keepers of a server share. */
export interface KeeperWorld {
  readonly identity: SentinelIdentity;
  readonly records: RecordStore;
  readonly proc: ProcReader;
  readonly groups: ProcessGroups;
  readonly launcher: Launcher;
  readonly deaths: DeathWatch;
  readonly status: StatusWriter;
  readonly events: EventSink;
  readonly alerts: AlertSink;
  readonly messages: MessageLog;
  /** What `exec` readiness probes inherit, as the processes do. */
  readonly baseEnv: Readonly<Record<string, string>>;
}

/** How long SIGKILL may take before people are told, milliseconds. */
const KILL_MS = 5000;
const GONE_FIRST_MS = 20;
const GONE_LAST_MS = 200;
/** The end of a child is told by the system; this is only for the case that it is not. */
const CHILD_MS = 1000;
/** A launch waits this long for its intent to be on disk; other changes this long for theirs. */
const INTENT_MS = 5000;
const SAVE_WAIT_MS = 500;
const SAVE_AGAIN_MS = 5000;
const DEFAULT_STOP = { signal: "SIGTERM", grace: 10_000 } as const;

type Follows = KeeperEvent | null;
type Report = Extract<KeeperEffect, { readonly kind: "report" }>;

export interface KeeperHands {
  readonly state: KeeperState;
  /** Takes a decided state, before its effects. */
  become(state: KeeperState): void;
  /** First event of this life, or null when the instance has no history. */
  begin(): Follows;
  perform(effect: KeeperEffect): Follows | Promise<Follows>;
  exited(process: ProcessIdentity, how: string): Follows;
  checkGone(): Follows;
  save(): void;
  configure(definition: LaunchDefinition | null, policy: RestartPolicy): void;
  definition(): LaunchDefinition | null;
  policy(): RestartPolicy;
  pid(): number | null;
  /** Removes the record. */
  forget(): Promise<void>;
  /** Ends what this life began; the process is not touched. */
  letGo(): void;
}

export interface Askers {
  answer(asker: number, status: ProcessStatus, comment: string): void;
  refuse(asker: number, code: RefusalCode, message: string): void;
}

export function createKeeperHands(deps: KeeperDeps, context: ActorContext<KeeperCommand>, askers: Askers): KeeperHands {
  const { key, identity: who, records, proc, groups, launcher } = deps;
  const { clock, rng, log, timers, self } = context;
  const logFile = logFileOf(who.home, key);
  const record = records.get(key);
  let definition = deps.definition;
  let policy = deps.policy;
  /** What runs was launched with this; the type may have changed since. */
  let launchedWith = record?.definition ?? null;
  let logOffset = record?.logOffset ?? 0;
  let since: Date | null = record?.since ? new Date(record.since) : null;
  let state: KeeperState = record === null ? initialState : fromRecord(record);
  let lastStatus: ProcessStatus = "STOPPED";
  /** The launch id whose intent is on disk. */
  let intended: string | null = null;
  /** Seen alive by this life. */
  let watched: ProcessIdentity | null = null;
  /** Ends the watch over a process that is not our child. */
  let unwatch: (() => void) | null = null;
  /** Our child, until the system has told its end: before that a look at its group finds at least the zombie. */
  let child: ProcessIdentity | null = null;
  let dying: ProcessIdentity | null = null;
  let goneDelayMs = GONE_FIRST_MS;
  let readiness: AbortController | null = null;
  const voice = createKeeperVoice(deps, context);

  const isWatched = (process: ProcessIdentity): boolean => watched !== null && sameProcess(watched, process);

  const write = async (): Promise<void> => {
    const written = toRecord(state, { key, since, logOffset, definition: launchedWith });
    await records.put(written);
    intended = written.phase === "stopped" || written.wish === "STOPPED" ? null : written.launchId;
  };
  /** Resolves when it is on disk, or with the reason why it is not (yet). */
  const writeWithin = async (deadlineMs: number): Promise<string | null> => {
    const enough = new AbortController();
    const late = sleep(clock, deadlineMs, enough.signal).then(() => "the disk does not answer");
    const written = write().then(
      () => null,
      (thrown: unknown) => ensureError(thrown).message,
    );
    const why = await Promise.race([written, late]);
    enough.abort();
    return why;
  };
  const save = async (deadlineMs: number): Promise<null> => {
    const why = await writeWithin(deadlineMs);
    if (why !== null) {
      log.warn("the record of a process cannot be written; trying again", { error: why, againInMs: SAVE_AGAIN_MS });
      timers.once("save", SAVE_AGAIN_MS, { type: "SaveAgain" });
    }
    return null;
  };

  const onExit = (process: ProcessIdentity, how: string): void => self.tell({ type: "Exited", process, how });

  const launch = async (launchId: string): Promise<KeeperEvent> => {
    if (definition === null) {
      const reason = `its type ${key.type} is not defined`;
      return { type: "launch-failed", launchId, reason, kind: "permanent", policy };
    }
    launchedWith = definition;
    logOffset = sizeOf(logFile);
    const unrecorded = intended === launchId ? null : await writeWithin(INTENT_MS);
    if (unrecorded !== null) {
      const reason = `its launch cannot be recorded in ${who.home}/run/processes: ${unrecorded}`;
      return { type: "launch-failed", launchId, reason, kind: "unrecorded", policy };
    }
    const result = await launcher.launch({ key, launchId, definition, onExit });
    if (!result.ok) return { type: "launch-failed", launchId, reason: result.reason, kind: result.kind, policy };
    watched = result.process;
    child = result.process;
    unwatch?.();
    return { type: "launched", launchId, process: result.process };
  };

  const startReadiness = (process: ProcessIdentity): Follows => {
    const spec = launchedWith?.ready ?? { none: true };
    if ("none" in spec) return { type: "ready", process };
    readiness?.abort();
    readiness = new AbortController();
    const fill = createFill(who, key);
    const env = Object.entries(launchedWith?.env ?? {}).map(([name, value]) => [name, fill(value)]);
    const probing = {
      fill,
      cwd: resolve(who.home, fill(launchedWith?.cwd ?? ".")),
      env: { ...deps.baseEnv, ...Object.fromEntries(env) },
      logFile,
      logOffset,
    };
    context.pipeToSelf(awaitReady(spec, probing, clock, readiness.signal), {
      ok: (result): KeeperCommand => ({ type: "ReadinessKnown", process, result }),
      failed: (error): KeeperCommand => ({
        type: "ReadinessKnown",
        process,
        result: { ready: false, reason: `its readiness cannot be asked: ${error.message}` },
      }),
    });
    return null;
  };

  const signal = (process: ProcessIdentity, what: "stop" | "kill" | "pause" | "continue"): void => {
    const stop = (launchedWith ?? definition)?.stop ?? DEFAULT_STOP;
    if (what === "kill") groups.kill(process, isWatched(process));
    else groups.signal(process, what === "stop" ? stop.signal : what === "pause" ? "SIGSTOP" : "SIGCONT");
  };

  const report = (effect: Pick<Report, "what" | "code" | "pid">): void =>
    voice.report(effect, { state, since, runningPid: hands.pid() });

  const hands: KeeperHands = {
    get state() {
      return state;
    },
    become(next) {
      state = next;
      const status = statusOf(next);
      if (status !== lastStatus) since = clock.now();
      lastStatus = status;
    },
    begin() {
      if (record === null) {
        report({ what: null, code: null, pid: null });
        return null;
      }
      lastStatus = recordedStatus(record);
      return restoredEvent(record, proc, groups, policy);
    },
    perform(effect) {
      switch (effect.kind) {
        case "save": {
          const saving = save(effect.wait ? SAVE_WAIT_MS : INTENT_MS);
          return effect.wait ? saving : null;
        }
        case "launch":
          return launch(effect.launchId);
        case "await-ready":
          return startReadiness(effect.process);
        case "end-ready":
          readiness?.abort();
          readiness = null;
          return null;
        case "signal":
          signal(effect.process, effect.signal);
          return null;
        case "watch":
          watched = effect.process;
          unwatch?.();
          unwatch = deps.deaths.watch(effect.process, () =>
            onExit(effect.process, "exit code unknown, for it was started by an earlier sentinel"),
          );
          return null;
        case "await-gone":
          dying = effect.process;
          goneDelayMs = GONE_FIRST_MS;
          return hands.checkGone();
        case "timer":
          if (effect.key === "kill") timers.once("kill", KILL_MS, { type: "KillOverdue" });
          else {
            const { grace } = (launchedWith ?? definition)?.stop ?? DEFAULT_STOP;
            timers.once("grace", grace, { type: "GraceElapsed" });
          }
          return null;
        case "backoff":
          timers.once("backoff", backoffMs(RESTART_BACKOFF, effect.attempt - 1, rng), { type: "BackoffElapsed" });
          return null;
        case "cancel":
          timers.cancel(effect.key);
          return null;
        case "report":
          report(effect);
          return null;
        case "answer":
          askers.answer(effect.asker, effect.status, effect.comment);
          return null;
        case "refuse":
          askers.refuse(effect.asker, effect.code, effect.message);
          return null;
        case "alert":
          voice.tell(effect.alert);
          return null;
        case "complain":
          voice.complain(effect.text);
          return null;
      }
    },
    exited(process, how) {
      if (child !== null && sameProcess(child, process)) child = null;
      if (dying !== null && sameProcess(dying, process)) return hands.checkGone();
      return { type: "exited", process, how, lastLine: readLastLine(logFile, logOffset), policy };
    },
    checkGone() {
      if (dying === null) return null;
      const process = dying;
      if (child !== null && sameProcess(child, process) && proc.startTimeOf(child.pid) !== null) {
        timers.once("gone", CHILD_MS, { type: "CheckGone" });
        return null;
      }
      if (!groups.isGone(process, isWatched(process))) {
        // Members may have appeared after the last SIGKILL was sent.
        if (state.phase.at === "killing" && !proc.isAlive(process)) groups.kill(process, isWatched(process));
        timers.once("gone", goneDelayMs, { type: "CheckGone" });
        goneDelayMs = Math.min(goneDelayMs * 1.5, GONE_LAST_MS);
        return null;
      }
      dying = null;
      timers.cancel("gone");
      unwatch?.();
      return { type: "gone", process };
    },
    save: () => void save(INTENT_MS),
    configure(newDefinition, newPolicy) {
      definition = newDefinition;
      policy = newPolicy;
    },
    definition: () => launchedWith ?? definition,
    policy: () => policy,
    pid() {
      const { phase } = state;
      return phase.at === "killing" && phase.failure !== null ? null : (processOf(phase)?.pid ?? null);
    },
    async forget() {
      await records.remove(key).catch((thrown: unknown) => {
        log.warn("the record of a removed process cannot be deleted", { error: ensureError(thrown).message });
      });
    },
    letGo() {
      readiness?.abort();
      unwatch?.();
    },
  };
  return hands;
}
