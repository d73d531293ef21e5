/**
 * How a keeper begins when there is a record: its worker was replaced, or the host has booted. Pure; one row per what was
 * recorded and what was found.
 *
 * | found                | recorded             | becomes                                                          |
 * |----------------------|----------------------|------------------------------------------------------------------|
 * | alive, of an older order | any              | stopping: a RESTART was under way (dead: launching)              |
 * | alive                | any                  | by wish: stopping, paused, running (if it was ready), waiting-ready |
 * | dead, leftovers live | any                  | killing, then as dead                                            |
 * | dead                 | launched, intent     | by wish: stopped, else the restart policy                        |
 * | dead, nothing        | backing-off          | backing-off                                                      |
 * | dead, nothing        | suspended            | suspended                                                        |
 * | dead, nothing        | any, wish HELD       | held                                                             |
 * | nothing              | intent               | stopped: it was never launched, whoever ordered it asks again    |
 * | nothing, rebooted    | any                  | stopped: whether to start after a boot is not the keeper's to say |
 */
import type { ProcessIdentity } from "./identity.ts";
import { startedAtMs } from "./identity.ts";
import {
  afterFailure,
  atRest,
  backOff,
  beginKill,
  beginStop,
  launch,
  reportDeath,
  resolveAlert,
} from "./keeper-moves.ts";
import {
  type Decision,
  type Failure,
  isDownWish,
  type KeeperEffect,
  type KeeperEvent,
  type KeeperState,
} from "./keeper-state.ts";

type Restored = Extract<KeeperEvent, { readonly type: "restored" }>;

export function decideRestored(state: KeeperState, event: Restored, nowMs: number): Decision {
  const { found } = event;
  if (found.kind === "alive") return adopt(state, found.process, event.isReady);
  const failure = failureOf(state, event, nowMs);
  if (found.kind === "dead" && found.hasLeftovers) {
    return complaining(beginKill({ ...state, comment: failure?.how ?? "" }, found.process, failure), failure, found);
  }
  if (found.kind === "nothing" && found.hasRebooted) return idle(state, "the host has been rebooted");
  if (found.kind === "dead" && failure !== null) return complaining(afterFailure(state, failure), failure, found);
  if (found.kind === "dead" && isBeingReplaced(state, found.process)) return launch(state, []);
  if (state.wish === "HELD") return stillHeld(state);
  if (event.recorded === "backing-off" && state.wish !== "STOPPED")
    return backOff(state, Math.max(1, state.window.length));
  if (event.recorded === "suspended" && state.wish !== "STOPPED") return stillSuspended(state);
  return idle(state, event.recorded === "intent" ? "not launched: the sentinel was stopped before" : state.comment);
}

/** A death that no sentinel saw: it ran at most until now. */
function failureOf(state: KeeperState, { found, recorded, policy }: Restored, nowMs: number): Failure | null {
  if (found.kind !== "dead" || isDownWish(state.wish) || isBeingReplaced(state, found.process)) return null;
  if (recorded !== "launched" && recorded !== "intent") return null;
  return {
    how: "died while no sentinel was watching",
    ranMs: Math.max(0, nowMs - startedAtMs(found.process)),
    policy,
  };
}

/** A RESTART was under way: the order is newer than the process. */
function isBeingReplaced(state: KeeperState, process: ProcessIdentity): boolean {
  return !isDownWish(state.wish) && process.launchId !== state.launchId;
}

/** A predecessor that was killed may have complained, and not have got the event to the schema. */
function complaining(
  decision: Decision,
  failure: Failure | null,
  { process, isTold }: Extract<Restored["found"], { readonly kind: "dead" }>,
): Decision {
  if (failure === null) return decision;
  const text = `has ended without an order: ${failure.how}`;
  const complaint: KeeperEffect[] = isTold ? [] : [{ kind: "complain", process, text }];
  return { state: decision.state, effects: [...complaint, reportDeath(process), ...decision.effects] };
}

function adopt(state: KeeperState, process: ProcessIdentity, isReady: boolean): Decision {
  const watch: KeeperEffect = { kind: "watch", process };
  if (isDownWish(state.wish) || isBeingReplaced(state, process)) {
    const stopping = beginStop(state, process, true);
    return { state: stopping.state, effects: [watch, ...stopping.effects] };
  }
  const adopted: KeeperEffect[] = [
    watch,
    { kind: "save", wait: false },
    { kind: "report", what: "adopted", code: null, pid: process.pid },
  ];
  if (!isReady) {
    return {
      state: { ...state, phase: { at: "waiting-ready", process }, comment: "adopted, not ready yet" },
      effects: [...adopted, { kind: "await-ready", process }],
    };
  }
  const [resolved, alerts] = resolveAlert(state);
  if (state.wish === "PAUSED") {
    return {
      state: { ...resolved, phase: { at: "paused", process }, comment: "adopted" },
      effects: [...adopted, { kind: "signal", process, signal: "pause" }, ...alerts],
    };
  }
  return {
    state: { ...resolved, phase: { at: "running", process }, comment: "adopted" },
    // The order to go on may have been recorded and not sent.
    effects: [...adopted, { kind: "signal", process, signal: "resume" }, ...alerts],
  };
}

/** Nothing runs and nothing is to be done about it until an order comes. */
function idle(state: KeeperState, comment: string): Decision {
  const [resolved, alerts] = resolveAlert({ ...state, wish: "STOPPED", phase: { at: "stopped" }, window: [], comment });
  const again: KeeperEffect[] = retell(state);
  return {
    state: resolved,
    effects: [
      { kind: "save", wait: false },
      { kind: "report", what: null, code: null, pid: null },
      ...(alerts.length > 0 ? alerts : again),
    ],
  };
}

/** Also when it had died, or was being stopped, on its way there. */
function stillHeld(state: KeeperState): Decision {
  const [resolved, alerts] = resolveAlert(atRest(state, ""));
  return {
    state: resolved,
    effects: [
      { kind: "save", wait: false },
      { kind: "report", what: null, code: null, pid: null },
      ...(alerts.length > 0 ? alerts : retell(state)),
    ],
  };
}

function stillSuspended(state: KeeperState): Decision {
  return {
    state: { ...state, phase: { at: "suspended" } },
    effects: [{ kind: "report", what: null, code: null, pid: null }, ...retell(state)],
  };
}

/** What the predecessor may not have told any more. The cause is the same, so telling it twice makes no second item. */
function retell({ alert }: KeeperState): KeeperEffect[] {
  return alert === null || alert.phase === "raised" ? [] : [{ kind: "alert", alert }];
}
