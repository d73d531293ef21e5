/** The effects of a keeper: what touches processes, disk, clock and the other parts of the sentinel. */
import { resolve } from "node:path";
import type { ActorContext } from "@castellan/actor";
import { backoffMs, ensureError } from "@castellan/kernel";
import { DEFAULT_LOGS, type ProcessStatus } from "@castellan/protocol";
import type { Permit } from "../grant/grant-keeper.ts";
import type { Reach } from "./group.ts";
import type { ProcessIdentity } from "./identity.ts";
import type { KeeperDeps, KeeperSettings } from "./keeper-deps.ts";
import { fromRecord, recordedStatus, restoredEvent, toRecord } from "./keeper-memory.ts";
import type { KeeperCommand } from "./keeper-messages.ts";
import { createKeeperOutput, type KeeperOutput } from "./keeper-output.ts";
import {
  initialState,
  type KeeperEffect,
  type KeeperEvent,
  type KeeperState,
  processOf,
  type RefusalCode,
  statusOf,
} from "./keeper-state.ts";
import { createKeeperVoice } from "./keeper-voice.ts";
import { awaitReady } from "./readiness.ts";
import { isGranted, type LaunchDefinition } from "./record.ts";
import { createRecordKeeping } from "./record-keeping.ts";
import { RESTART_BACKOFF, type RestartPolicy } from "./restart-window.ts";
import { createFill } from "./template.ts";
import { createVigil } from "./vigil.ts";

/** How long SIGKILL may take before people are told, milliseconds. */
const KILL_MS = 5000;
const UNKNOWN_END = "exit code unknown, for it was started by an earlier sentinel";
const NOT_GRANTED = { layer: "background", exclusive: false } as const;
const DEFAULT_STOP = { signal: "SIGTERM", grace: 10_000 } as const;
const DEFAULT_PAUSE = { signal: "SIGSTOP", resume: "SIGCONT" } as const;

type Follows = KeeperEvent | null;
type Report = Extract<KeeperEffect, { readonly kind: "report" }>;
type KeeperSignal = Extract<KeeperEffect, { readonly kind: "signal" }>["signal"];

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
  configure(settings: KeeperSettings): void;
  readonly output: Pick<KeeperOutput, "read">;
  /** Puts the last of the output away, with the state; `how` it died, if it did. Answers the file's path. */
  dump(how?: string): Promise<string>;
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
  const record = records.get(key);
  let definition = deps.definition;
  let { policy, dumpsDeaths } = deps;
  /** What runs was launched with this; the type may have changed since. */
  let launchedWith = record?.definition ?? null;
  let since: Date | null = record?.since ? new Date(record.since) : null;
  let state: KeeperState = record === null ? initialState : fromRecord(record);
  let lastStatus: ProcessStatus = "STOPPED";
  let readiness: AbortController | null = null;
  const voice = createKeeperVoice(deps, context);
  const vigil = createVigil(deps, timers);
  const onDisk = createRecordKeeping(records, context, () =>
    toRecord(state, { key, since, logOffset: output.offset, definition: launchedWith }),
  );
  const output = createKeeperOutput({
    home: who.home,
    key,
    outputs: deps.outputs,
    clock,
    log,
    offset: record?.logOffset ?? 0,
    keep: () => (definition ?? launchedWith)?.logs.keep ?? DEFAULT_LOGS.keep,
    onMoved: () => hands.save(),
  });

  const cannotDump = (thrown: unknown): void =>
    log.warn("the last output of a process that died cannot be put away", { error: ensureError(thrown).message });
  const onExit = (process: ProcessIdentity, how: string): void => self.tell({ type: "Exited", process, how });

  /** A sentence when it is not. */
  const permitted = async (): Promise<Permit | string> => {
    try {
      return await deps.grants.permit();
    } catch (thrown) {
      return ensureError(thrown).message;
    }
  };
  const endedUnderGuard = (process: ProcessIdentity): void => {
    const asked = deps.grants.guard?.howEnded(process) ?? Promise.resolve(UNKNOWN_END);
    asked.then(
      (how) => onExit(process, how),
      () => onExit(process, UNKNOWN_END),
    );
  };

  const launch = async (launchId: string): Promise<KeeperEvent> => {
    if (definition === null) {
      const reason = `its type ${key.type} is not defined`;
      return { type: "launch-failed", launchId, reason, kind: "permanent", policy };
    }
    launchedWith = definition;
    output.beginLaunch();
    const unrecorded = await onDisk.intend(launchId);
    if (unrecorded !== null) {
      const reason = `its launch cannot be recorded in ${who.home}/run/processes: ${unrecorded}`;
      return { type: "launch-failed", launchId, reason, kind: "unrecorded", policy };
    }
    const permit = isGranted(definition) ? await permitted() : { guarded: false };
    if (typeof permit === "string") {
      return { type: "launch-failed", launchId, reason: permit, kind: "not-granted", policy };
    }
    const order = { key, launchId, attempt: state.restarts, definition, onExit };
    const result = permit.guarded ? await launcher.launchGuarded(order) : await launcher.launch(order);
    if (!result.ok) return { type: "launch-failed", launchId, reason: result.reason, kind: result.kind, policy };
    const { process } = result;
    if (permit.guarded) vigil.overAdopted(process, () => endedUnderGuard(process));
    else vigil.overChild(process);
    return { type: "launched", launchId, process };
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
      logFile: output.file,
      logOffset: output.offset,
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

  /** A replacement waits for the group only. */
  const reach = (): Reach => (state.phase.at === "killing" && state.phase.failure !== null ? "group" : "launch");
  const signal = (process: ProcessIdentity, what: KeeperSignal): void => {
    const { stop = DEFAULT_STOP, pause = DEFAULT_PAUSE, pausable = false } = launchedWith ?? definition ?? {};
    if (what === "kill") groups.kill(process, vigil.isOver(process), reach());
    else if (what === "stop") groups.signal(process, stop.signal);
    else if (what === "pause") groups.signal(process, pause.signal);
    else {
      // Whatever it was paused with: a process that stands still hears nothing else.
      groups.signal(process, "SIGCONT");
      if (what === "resume" && pausable && pause.resume !== "SIGCONT") groups.signal(process, pause.resume);
    }
  };

  const report = (effect: Omit<Report, "kind">): void =>
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
      return restoredEvent(record, proc, groups, policy, (death) => voice.hasComplained(death));
    },
    perform(effect) {
      switch (effect.kind) {
        case "save":
          return onDisk.save(effect.wait);
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
          vigil.overAdopted(effect.process, () => {
            if (isGranted(launchedWith ?? NOT_GRANTED)) endedUnderGuard(effect.process);
            else onExit(effect.process, UNKNOWN_END);
          });
          return null;
        case "await-gone":
          vigil.awaitGone(effect.process);
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
          voice.complain(effect.process, effect.text);
          return null;
      }
    },
    exited(process, how) {
      if (vigil.ended(process)) return hands.checkGone();
      if (dumpsDeaths) hands.dump(how).catch(cannotDump);
      return { type: "exited", process, how, lastLine: output.lastLine(), policy };
    },
    checkGone() {
      const { stop = DEFAULT_STOP } = launchedWith ?? definition ?? {};
      const process = vigil.check(reach(), state.phase.at === "killing" ? "SIGKILL" : stop.signal);
      return process === null ? null : { type: "gone", process };
    },
    save: () => void onDisk.save(false),
    configure(settings) {
      ({ definition, policy, dumpsDeaths } = settings);
    },
    output,
    dump(how) {
      const { restarts, comment, launchId } = state;
      const pid = processOf(state.phase)?.pid ?? null;
      return output.dump(pid, { status: statusOf(state), comment: how ?? comment, restarts, launchId });
    },
    definition: () => launchedWith ?? definition,
    policy: () => policy,
    pid() {
      const { phase } = state;
      return phase.at === "killing" && phase.failure !== null ? null : (processOf(phase)?.pid ?? null);
    },
    forget: () => onDisk.forget(),
    letGo() {
      readiness?.abort();
      vigil.letGo();
      output.letGo();
    },
  };
  return hands;
}
