/**
 * The table of a keeper: what happens in each phase. Pure and total: an event that does not fit a phase changes nothing.
 *
 * | phase         | process | leaves it on                                                                      |
 * |---------------|---------|-----------------------------------------------------------------------------------|
 * | stopped       | no      | order RUNNING, RESTARTED -> launching                                             |
 * | held          | no      | order RUNNING, RESTARTED -> launching; order STOPPED -> stopped                   |
 * | launching     | no      | launched -> waiting-ready (wish STOPPED: stopping); launch-failed -> policy       |
 * | waiting-ready | yes     | ready -> running (or paused); exited, not-ready -> killing; order STOPPED, RESTARTED -> stopping |
 * | running       | yes     | exited -> killing; order PAUSED -> paused; order STOPPED, RESTARTED -> stopping   |
 * | paused        | yes     | order UNPAUSED -> running; exited -> killing; order STOPPED, RESTARTED -> stopping |
 * | stopping      | yes     | gone -> by wish: stopped, launching; grace-elapsed -> killing                     |
 * | killing       | dying   | gone -> by wish: stopped; with a failure: policy; else launching                  |
 * | backing-off   | no      | backoff-elapsed, order RESTARTED -> launching; order STOPPED -> stopped           |
 * | suspended     | no      | order RESTARTED -> launching; order STOPPED -> stopped; order RUNNING is refused  |
 *
 * An order HELD does as STOPPED does and ends in held; what is stopped or suspended already stays so. An order PAUSED for
 * what is about to run is remembered and carried out when it is ready.
 *
 * `ungranted` does as an order HELD does, and nobody waits for it; a launch that is not granted ends in held too.
 *
 * policy = `restart-window.ts`: launching at once, backing-off, or suspended.
 *
 * D1 Only `launching` launches, and `launching` is entered only from phases in which nothing of the instance is left.
 * D2 An order to start and an order to stop supersede each other: the earlier asker is refused, never left waiting.
 * D3 From any phase, an order STOPPED leads to `stopped` with nothing but the passing of time and the death of processes.
 */
import { EVENT_CODE } from "@castellan/protocol";
import { startedAtMs } from "./identity.ts";
import {
  afterFailure,
  answerAll,
  atRest,
  backOff,
  beginKill,
  beginStop,
  launch,
  refuseAll,
  reportDeath,
  resolveAlert,
  setPaused,
  setRunning,
  suspend,
} from "./keeper-moves.ts";
import { decideOrder, stopOrder } from "./keeper-order.ts";
import { decideRestored } from "./keeper-restore.ts";
import {
  type Decision,
  type Failure,
  isDownWish,
  type KeeperEvent,
  type KeeperState,
  processOf,
  sameProcess,
  statusOf,
} from "./keeper-state.ts";

type Of<T extends KeeperEvent["type"]> = Extract<KeeperEvent, { readonly type: T }>;

/** `nowMs`: boot-time clock. */
export function decide(state: KeeperState, event: KeeperEvent, nowMs: number): Decision {
  switch (event.type) {
    case "bring":
      return decideOrder(state, event);
    case "retire":
      return stopOrder(state, null);
    case "ungranted":
      return ungranted(state);
    case "launched":
      return launched(state, event);
    case "launch-failed":
      return launchFailed(state, event);
    case "ready":
      return ready(state, event);
    case "not-ready":
      return notReady(state, event, nowMs);
    case "exited":
      return exited(state, event, nowMs);
    case "gone":
      return gone(state, event);
    case "grace-elapsed":
      return graceElapsed(state);
    case "kill-overdue":
      return killOverdue(state);
    case "backoff-elapsed":
      return state.phase.at === "backing-off" ? launch(state, []) : unchanged(state);
    case "alert-told":
      return alertTold(state, event);
    case "restored":
      return decideRestored(state, event, nowMs);
  }
}

const unchanged = (state: KeeperState): Decision => ({ state, effects: [] });

function ungranted(state: KeeperState): Decision {
  const { at } = state.phase;
  const isDown = at === "stopped" || at === "suspended" || at === "held" || isDownWish(state.wish);
  return isDown ? unchanged(state) : stopOrder(state, null, "HELD");
}

/** Nothing was tried: it waits for the master, as what is held does. */
function notGranted(state: KeeperState, reason: string): Decision {
  const [waiting, refusals] = refuseAll(state.waiting, "up", "NOT_GRANTED", reason);
  const held = ended({ ...state, wish: "HELD", waiting }, []);
  return { state: held.state, effects: [...held.effects, ...refusals] };
}

function launched(state: KeeperState, { launchId, process }: Of<"launched">): Decision {
  if (state.phase.at !== "launching" || state.launchId !== launchId) {
    // Nobody wants it: it must not live beside the one that is wanted.
    const isKept = sameAsKept(state, process);
    return { state, effects: isKept ? [] : [{ kind: "signal", process, signal: "kill" }] };
  }
  if (isDownWish(state.wish)) return beginStop(state, process, false);
  return {
    state: { ...state, phase: { at: "waiting-ready", process } },
    effects: [
      { kind: "save", wait: false },
      { kind: "report", what: "starting", code: null, pid: process.pid },
      { kind: "await-ready", process },
    ],
  };
}

function launchFailed(state: KeeperState, event: Of<"launch-failed">): Decision {
  if (state.phase.at !== "launching" || state.launchId !== event.launchId) return unchanged(state);
  if (isDownWish(state.wish)) return ended(state, []);
  if (event.kind === "not-granted") return notGranted(state, event.reason);
  if (event.kind === "permanent") return suspend(state, event.reason, "START_FAILED");
  if (event.kind === "transient") {
    return afterFailure(state, { how: event.reason, ranMs: 0, policy: event.policy });
  }
  // The disk's fault, not the process's: try for ever, slowly, and do not let the asker wait for the disk.
  const [waiting, refusals] = refuseAll(state.waiting, "up", "START_FAILED", event.reason);
  const waitingForDisk = backOff({ ...state, waiting, comment: event.reason }, 4);
  return { state: waitingForDisk.state, effects: [...waitingForDisk.effects, ...refusals] };
}

function ready(state: KeeperState, { process }: Of<"ready">): Decision {
  if (state.phase.at !== "waiting-ready" || !sameProcess(state.phase.process, process)) return unchanged(state);
  const running = setRunning(state, process);
  if (state.wish !== "PAUSED") return running;
  const paused = setPaused(running.state, process); // it died while paused
  return { state: paused.state, effects: [...running.effects, ...paused.effects] };
}

function notReady(state: KeeperState, event: Of<"not-ready">, nowMs: number): Decision {
  if (state.phase.at !== "waiting-ready" || !sameProcess(state.phase.process, event.process)) return unchanged(state);
  const [waiting, refusals] = refuseAll(state.waiting, "up", "START_FAILED", event.reason);
  const failure: Failure = { how: event.reason, ranMs: ranFor(event.process, nowMs), policy: event.policy };
  const killing = beginKill({ ...state, waiting, comment: event.reason }, event.process, failure);
  return {
    state: killing.state,
    effects: [
      ...killing.effects,
      { kind: "complain", process: event.process, text: `was started but ${event.reason}` },
      reportDeath(event.process),
      ...refusals,
    ],
  };
}

function exited(state: KeeperState, event: Of<"exited">, nowMs: number): Decision {
  const { phase } = state;
  if (phase.at !== "waiting-ready" && phase.at !== "running" && phase.at !== "paused") return unchanged(state);
  if (!sameProcess(phase.process, event.process)) return unchanged(state);
  const how = event.lastLine === null ? event.how : `${event.how}; last line of its output: ${event.lastLine}`;
  const failure: Failure = { how, ranMs: ranFor(event.process, nowMs), policy: event.policy };
  const killing = beginKill({ ...state, comment: how }, event.process, failure);
  return {
    state: killing.state,
    effects: [
      reportDeath(event.process),
      { kind: "complain", process: event.process, text: `has ended without an order: ${how}` },
      ...killing.effects,
    ],
  };
}

function gone(state: KeeperState, { process }: Of<"gone">): Decision {
  const { phase } = state;
  if ((phase.at !== "stopping" && phase.at !== "killing") || !sameProcess(phase.process, process)) {
    return unchanged(state);
  }
  const timers = [
    { kind: "cancel", key: "grace" },
    { kind: "cancel", key: "kill" },
  ] as const;
  if (isDownWish(state.wish)) return ended(state, timers);
  const failure = phase.at === "killing" ? phase.failure : null;
  const next = failure === null ? launch(state, []) : afterFailure(state, failure);
  return { state: next.state, effects: [...timers, ...next.effects] };
}

/** As ordered: nothing is left of it. */
function ended(state: KeeperState, before: Decision["effects"]): Decision {
  const process = processOf(state.phase);
  const [resolved, alerts] = resolveAlert(atRest(state, state.comment));
  const [waiting, answers] = answerAll(
    resolved.waiting,
    "down",
    statusOf(resolved),
    state.comment === "" ? "stopped" : state.comment,
  );
  return {
    state: { ...resolved, waiting },
    effects: [
      ...before,
      // The wish is on disk since the order came; what is missing is only that it has been fulfilled.
      { kind: "save", wait: false },
      { kind: "report", what: "stopped", code: EVENT_CODE.stopped, pid: process?.pid ?? null },
      ...alerts,
      ...answers,
    ],
  };
}

function graceElapsed(state: KeeperState): Decision {
  if (state.phase.at !== "stopping") return unchanged(state);
  return beginKill({ ...state, comment: "killed: it did not end within its grace" }, state.phase.process, null);
}

/** A process in an uninterruptible wait outlives SIGKILL. The askers are told; the keeper goes on looking. */
function killOverdue(state: KeeperState): Decision {
  if (state.phase.at !== "killing") return unchanged(state);
  const reason = `process ${state.phase.process.pid} or one of its group does not die of SIGKILL`;
  const [, refusals] = refuseAll(state.waiting, "down", "STOP_FAILED", reason);
  const [, startRefusals] = refuseAll(state.waiting, "up", "START_FAILED", reason);
  return {
    state: { ...state, phase: { ...state.phase, isStuck: true }, comment: reason, waiting: [] },
    effects: [
      { kind: "signal", process: state.phase.process, signal: "kill" },
      { kind: "timer", key: "kill" },
      ...(state.phase.isStuck ? [] : ([{ kind: "report", what: null, code: null, pid: null }] as const)),
      ...refusals,
      ...startRefusals,
    ],
  };
}

function alertTold(state: KeeperState, { cause, phase }: Of<"alert-told">): Decision {
  if (state.alert?.cause !== cause || state.alert.phase !== phase) return unchanged(state);
  const alert = phase === "raise" ? ({ ...state.alert, phase: "raised" } as const) : null;
  return { state: { ...state, alert }, effects: [{ kind: "save", wait: false }] };
}

const ranFor = (process: Of<"exited">["process"], nowMs: number): number => Math.max(0, nowMs - startedAtMs(process));

function sameAsKept(state: KeeperState, process: Of<"launched">["process"]): boolean {
  const kept = processOf(state.phase);
  return kept !== null && sameProcess(kept, process);
}
