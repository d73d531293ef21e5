/** The moves from phase to phase that several rows of the table share. Pure. */
import { EVENT_CODE, type ProcessStatus } from "@castellan/protocol";
import type { ProcessIdentity } from "./identity.ts";
import type { Asker, Decision, Failure, KeeperEffect, KeeperState, RefusalCode } from "./keeper-state.ts";
import { decideRestart } from "./restart-window.ts";

export type Effects = readonly KeeperEffect[];

/** Launches under the state's launch id. */
export function launch(state: KeeperState, before: Effects): Decision {
  if (state.launchId === null) return suspend(state, "there is no order to launch under", "START_FAILED");
  return {
    state: { ...state, phase: { at: "launching" } },
    effects: [
      ...before,
      { kind: "report", what: null, code: null, pid: null },
      { kind: "launch", launchId: state.launchId },
    ],
  };
}

/** Asks a live process to end; SIGKILL follows after the grace. A paused one must be let go on to hear it. */
export function beginStop(state: KeeperState, process: ProcessIdentity, isPaused: boolean): Decision {
  return {
    state: { ...state, phase: { at: "stopping", process }, comment: "" },
    effects: [
      { kind: "end-ready" },
      { kind: "save", wait: true },
      { kind: "report", what: "stopping", code: EVENT_CODE.stopping, pid: process.pid },
      { kind: "signal", process, signal: "stop" },
      ...(isPaused ? ([{ kind: "signal", process, signal: "continue" }] as const) : []),
      { kind: "timer", key: "grace" },
      { kind: "await-gone", process },
    ],
  };
}

/** Kills whatever is left of it; what comes after depends on the wish, and on the failure if there is one. */
export function beginKill(state: KeeperState, process: ProcessIdentity, failure: Failure | null): Decision {
  return {
    state: { ...state, phase: { at: "killing", process, failure, isStuck: false } },
    effects: [
      { kind: "end-ready" },
      { kind: "signal", process, signal: "kill" },
      { kind: "timer", key: "kill" },
      { kind: "await-gone", process },
    ],
  };
}

export const reportDeath = (process: ProcessIdentity): KeeperEffect => ({
  kind: "report",
  what: "failed",
  code: EVENT_CODE.died,
  pid: process.pid,
  death: process,
});

/** It died, or could not be launched, and nothing of it is left: again, later, or never. */
export function afterFailure(state: KeeperState, failure: Failure): Decision {
  const verdict = decideRestart(failure.policy, state.window, failure.ranMs);
  const next: KeeperState = { ...state, window: verdict.window };
  if (!verdict.restart) return suspend(next, `${verdict.why}; last: ${failure.how}`, "START_FAILED");
  const again: KeeperState = { ...next, restarts: state.restarts + 1, comment: failure.how };
  return verdict.attempt === 0 ? launch(again, []) : backOff(again, verdict.attempt);
}

export function backOff(state: KeeperState, attempt: number): Decision {
  return {
    state: { ...state, phase: { at: "backing-off", attempt } },
    effects: [
      { kind: "save", wait: false },
      { kind: "report", what: null, code: null, pid: null },
      { kind: "backoff", attempt },
    ],
  };
}

/** Gives up until somebody orders otherwise. */
export function suspend(state: KeeperState, reason: string, code: RefusalCode): Decision {
  const [waiting, refusals] = refuseAll(state.waiting, "up", code, `it is suspended: ${reason}`);
  const alert = { cause: state.launchId ?? "none", summary: `is suspended: ${reason}`, phase: "raise" } as const;
  return {
    state: { ...state, phase: { at: "suspended" }, comment: reason, waiting, alert },
    effects: [
      { kind: "save", wait: true },
      { kind: "report", what: "suspended", code: null, pid: null },
      { kind: "alert", alert },
      ...refusals,
    ],
  };
}

/** What an instance is called that nobody may start before what it depends on. */
const HELD_COMMENT = "waits until what it depends on is ready and its server in contact again";

/** Nothing of it runs: where that leaves it, by what was wished for. */
export function atRest(state: KeeperState, comment: string): KeeperState {
  const isHeld = state.wish === "HELD";
  const phase = isHeld ? ({ at: "held" } as const) : ({ at: "stopped" } as const);
  return { ...state, phase, window: [], comment: isHeld ? HELD_COMMENT : comment };
}

/** It does what it should, or was stopped by order: what was told about it is over. */
export function resolveAlert(state: KeeperState): readonly [KeeperState, Effects] {
  if (state.alert === null || state.alert.phase === "resolve") return [state, []];
  const alert = { ...state.alert, phase: "resolve" } as const;
  return [{ ...state, alert }, [{ kind: "alert", alert }]];
}

/** Whoever waited for a pause that a later order took back is told so here. */
export function setRunning(state: KeeperState, process: ProcessIdentity): Decision {
  const [resolved, alerts] = resolveAlert({ ...state, phase: { at: "running", process }, comment: "" });
  const [rest, answers] = answerAll(
    resolved.waiting,
    "up",
    "RUNNING",
    state.restarts === 0 ? "started" : `started, at attempt ${state.restarts + 1}`,
  );
  const [waiting, refusals] =
    state.wish === "PAUSED" ? [rest, []] : refuseAll(rest, "up", "SUPERSEDED", "a later order lets it run");
  return {
    state: { ...resolved, waiting },
    effects: [
      { kind: "save", wait: false },
      { kind: "report", what: "running", code: EVENT_CODE.started, pid: process.pid },
      ...alerts,
      ...answers,
      ...refusals,
    ],
  };
}

export function setPaused(state: KeeperState, process: ProcessIdentity): Decision {
  const [waiting, answers] = answerAll(state.waiting, "paused", "PAUSED", "paused");
  return {
    state: { ...state, phase: { at: "paused", process }, waiting },
    effects: [
      { kind: "save", wait: true },
      { kind: "signal", process, signal: "pause" },
      { kind: "report", what: "paused", code: EVENT_CODE.paused, pid: process.pid },
      ...answers,
    ],
  };
}

export function setUnpaused(state: KeeperState, process: ProcessIdentity): Decision {
  return {
    state: { ...state, phase: { at: "running", process } },
    effects: [
      { kind: "save", wait: true },
      { kind: "signal", process, signal: "resume" },
      { kind: "report", what: "unpaused", code: EVENT_CODE.unpaused, pid: process.pid },
    ],
  };
}

/** Answers everybody who waited for `goal`; the rest go on waiting. */
export function answerAll(
  waiting: readonly Asker[],
  goal: Asker["goal"],
  status: ProcessStatus,
  comment: string,
): readonly [readonly Asker[], Effects] {
  const done = waiting.filter((asker) => asker.goal === goal);
  return [
    waiting.filter((asker) => asker.goal !== goal),
    done.map(({ id }) => ({ kind: "answer", asker: id, status, comment })),
  ];
}

/** Refuses everybody who waited for `goal`; who waits for a pause waits for it to be up too. */
export function refuseAll(
  waiting: readonly Asker[],
  goal: "up" | "down",
  code: RefusalCode,
  message: string,
): readonly [readonly Asker[], Effects] {
  const isMeant = (asker: Asker): boolean => (asker.goal === "down") === (goal === "down");
  const done = waiting.filter(isMeant);
  return [
    waiting.filter((asker) => !isMeant(asker)),
    done.map(({ id }) => ({ kind: "refuse", asker: id, code, message })),
  ];
}
