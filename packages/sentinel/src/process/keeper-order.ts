/** What an order does in each phase. Part of the table of `keeper-decide.ts`, which documents it. */
import type { DesiredState } from "@castellan/protocol";
import {
  answerAll,
  atRest,
  beginStop,
  type Effects,
  launch,
  refuseAll,
  resolveAlert,
  setPaused,
  setUnpaused,
} from "./keeper-moves.ts";
import {
  type Asker,
  type Decision,
  isDownWish,
  type KeeperEvent,
  type KeeperState,
  type RefusalCode,
  statusOf,
} from "./keeper-state.ts";

/** More askers than this for one instance are a fault of theirs. */
const MOST_WAITING = 64;

type Bring = Extract<KeeperEvent, { type: "bring" }>;

export function decideOrder(state: KeeperState, order: Bring): Decision {
  if (state.waiting.length >= MOST_WAITING) {
    return refuse(state, order, "BUSY", `${MOST_WAITING} orders for this instance are waiting already`);
  }
  switch (order.desired) {
    case "RUNNING":
      return start(state, order);
    case "STOPPED":
      return stopOrder(state, order.asker);
    case "HELD":
      return hold(state, order);
    case "RESTARTED":
      // The same order again, after its first messenger died: it has been carried out, or is being.
      return state.launchId === order.launchId ? start(state, order) : restart(state, order);
    case "PAUSED":
    case "UNPAUSED":
      return pauseOrder(state, order, order.desired);
  }
}

function start(state: KeeperState, order: Bring): Decision {
  switch (state.phase.at) {
    case "stopped":
    case "held":
      return launch(join(fresh(state, order), order, "up"), []);
    case "launching":
    case "waiting-ready":
    case "backing-off":
      return { state: join({ ...state, wish: "RUNNING" }, order, "up"), effects: [] };
    case "running":
      return answer(state, order, "already running");
    case "paused":
      return answer(state, order, "already running, but paused: UNPAUSE lets it go on");
    case "suspended":
      return refuse(state, order, "SUSPENDED", `it is suspended (${state.comment}): RESTART revives it`);
    case "stopping":
    case "killing":
      return isDownWish(state.wish) ? goOnAfterStop(state, order) : joinOnly(state, order);
  }
}

function restart(state: KeeperState, order: Bring): Decision {
  switch (state.phase.at) {
    case "stopped":
    case "held":
    case "suspended":
      return launch(join(fresh(state, order), order, "up"), []);
    case "backing-off":
      return launch(join(fresh(state, order), order, "up"), [{ kind: "cancel", key: "backoff" }]);
    case "launching":
      return joinOnly(state, order);
    case "waiting-ready":
    case "running":
    case "paused":
      return beginStop(join(fresh(state, order), order, "up"), state.phase.process, state.phase.at === "paused");
    case "stopping":
    case "killing":
      return goOnAfterStop(state, order);
  }
}

/** Only what runs, or is about to, is held: what was stopped or given up stays so. */
function hold(state: KeeperState, order: Bring): Decision {
  const { at } = state.phase;
  if (at === "stopped" || at === "suspended") return answer(state, order, `not running: it stays ${statusOf(state)}`);
  if (state.wish === "STOPPED") return { state: join(state, order, "down"), effects: [] };
  return stopOrder(state, order.asker, "HELD");
}

/** Also what happens to an instance that is no longer defined; then nobody asks. */
export function stopOrder(state: KeeperState, asker: number | null, wish: "STOPPED" | "HELD" = "STOPPED"): Decision {
  const [waiting, superseded] = refuseAll(state.waiting, "up", "SUPERSEDED", "a later order stops it");
  const wanted: KeeperState = {
    ...state,
    wish,
    waiting: asker === null ? waiting : [...waiting, { id: asker, goal: "down" }],
  };
  switch (state.phase.at) {
    case "stopped":
      return end(wanted, [...superseded], "already stopped");
    case "backing-off":
      return end(wanted, [...superseded, { kind: "cancel", key: "backoff" }], "stopped");
    case "suspended":
      return end(wanted, [...superseded], "stopped");
    case "held":
      return end(wanted, [...superseded], wish === "HELD" ? "already held" : "stopped");
    case "launching":
    case "stopping":
      return { state: wanted, effects: superseded };
    case "killing":
      // It had died: now that is all that was wanted.
      return { state: { ...wanted, phase: { ...state.phase, failure: null } }, effects: superseded };
    case "waiting-ready":
    case "running":
    case "paused": {
      const stopping = beginStop(wanted, state.phase.process, state.phase.at === "paused");
      return { state: stopping.state, effects: [...superseded, ...stopping.effects] };
    }
  }
}

function pauseOrder(state: KeeperState, order: Bring, desired: DesiredState): Decision {
  if (!order.isPausable) return refuse(state, order, "NOT_PAUSABLE", "its type cannot be paused");
  const { phase } = state;
  const isPause = desired === "PAUSED";
  if (isPending(state)) return pausePending(state, order, isPause);
  if (phase.at === "running" && isPause) {
    const paused = setPaused({ ...state, wish: "PAUSED" }, phase.process);
    return withAnswer(paused, order, "paused");
  }
  if (phase.at === "paused" && !isPause) {
    return withAnswer(setUnpaused({ ...state, wish: "RUNNING" }, phase.process), order, "goes on");
  }
  if (phase.at === "running" || phase.at === "paused") {
    return answer(state, order, isPause ? "already paused" : "not paused");
  }
  return refuse(state, order, "NOT_RUNNING", `it is ${statusOf(state)}: only what runs can be paused`);
}

/** About to run, by itself or by order. */
function isPending({ phase, wish }: KeeperState): boolean {
  if (isDownWish(wish)) return false;
  return !["stopped", "held", "running", "paused", "suspended"].includes(phase.at);
}

/** It is paused when it is ready, not before: a program that is stopped while it starts would not become ready. */
function pausePending(state: KeeperState, order: Bring, isPause: boolean): Decision {
  if (isPause) return { state: join({ ...state, wish: "PAUSED" }, order, "paused"), effects: [] };
  return answer({ ...state, wish: "RUNNING" }, order, state.wish === "PAUSED" ? "will not be paused" : "not paused");
}

/** It stops or is dead and being cleared away: launch under the new order when that is done. */
function goOnAfterStop(state: KeeperState, order: Bring): Decision {
  const [waiting, superseded] = refuseAll(state.waiting, "down", "SUPERSEDED", "a later order starts it again");
  const phase = state.phase.at === "killing" ? { ...state.phase, failure: null } : state.phase;
  return { state: join({ ...fresh(state, order), phase, waiting }, order, "up"), effects: superseded };
}

/** Nothing runs: an end to the order, and to what was wrong. */
function end(state: KeeperState, effects: Effects, comment: string): Decision {
  const rests = atRest(state, state.phase.at === "stopped" ? state.comment : "");
  const hadEnded = state.phase.at === rests.phase.at;
  const [resolved, alerts] = resolveAlert(rests);
  const [waiting, answers] = answerAll(resolved.waiting, "down", statusOf(resolved), comment);
  return {
    state: { ...resolved, waiting },
    effects: hadEnded
      ? [...effects, ...answers]
      : [
          ...effects,
          { kind: "save", wait: true },
          { kind: "report", what: "stopped", code: null, pid: null },
          ...alerts,
          ...answers,
        ],
  };
}

/** A start by order forgets earlier deaths. */
const fresh = (state: KeeperState, order: Bring): KeeperState => ({
  ...state,
  wish: "RUNNING",
  launchId: order.launchId,
  window: [],
  restarts: 0,
});

const join = (state: KeeperState, order: Bring, goal: Asker["goal"]): KeeperState => ({
  ...state,
  waiting: [...state.waiting, { id: order.asker, goal }],
});

const joinOnly = (state: KeeperState, order: Bring): Decision => ({ state: join(state, order, "up"), effects: [] });

const answer = (state: KeeperState, order: Bring, comment: string): Decision => ({
  state,
  effects: [{ kind: "answer", asker: order.asker, status: statusOf(state), comment }],
});

const withAnswer = (decision: Decision, order: Bring, comment: string): Decision => ({
  state: decision.state,
  effects: [...decision.effects, { kind: "answer", asker: order.asker, status: statusOf(decision.state), comment }],
});

const refuse = (state: KeeperState, order: Bring, code: RefusalCode, message: string): Decision => ({
  state,
  effects: [{ kind: "refuse", asker: order.asker, code, message }],
});
