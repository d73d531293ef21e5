/** What a keeper knows, what can happen to it and what it can do: the words of `keeper-decide.ts`. */
import type { DesiredState, EventCode, ProcessEvent, ProcessStatus } from "@castellan/protocol";
import type { ProcessIdentity } from "./identity.ts";
import type { RestartPolicy, RestartWindow } from "./restart-window.ts";

/**
 * What an order asked for last. Kept apart from what is: `phase` follows it. HELD: it is to run as soon as what it depends on
 * is ready again, and somebody else says when that is.
 */
export type Wish = "RUNNING" | "STOPPED" | "PAUSED" | "HELD";

/** Nothing of it is to live for now. */
export const isDownWish = (wish: Wish): boolean => wish === "STOPPED" || wish === "HELD";

/** A death, or a launch that failed. */
export interface Failure {
  /** `exit code 1`, `SIGKILL`, `not ready within 30 s: ...`; part of a sentence. */
  readonly how: string;
  readonly ranMs: number;
  readonly policy: RestartPolicy;
}

export type Phase =
  | { readonly at: "stopped" }
  /** Not running, and to be started when what it depends on is ready again. */
  | { readonly at: "held" }
  | { readonly at: "launching" }
  | { readonly at: "waiting-ready"; readonly process: ProcessIdentity }
  | { readonly at: "running"; readonly process: ProcessIdentity }
  | { readonly at: "paused"; readonly process: ProcessIdentity }
  /** Asked to end; the grace runs. */
  | { readonly at: "stopping"; readonly process: ProcessIdentity }
  /** Whatever is left of it is being killed. With a failure, the restart policy decides afterwards. */
  | {
      readonly at: "killing";
      readonly process: ProcessIdentity;
      readonly failure: Failure | null;
      readonly isStuck: boolean;
    }
  | { readonly at: "backing-off"; readonly attempt: number }
  | { readonly at: "suspended" };

/** Somebody who waits for an order to be fulfilled. */
export interface Asker {
  readonly id: number;
  readonly goal: "up" | "paused" | "down";
}

/** The alert about this instance: to be raised, raised, to be resolved. */
export interface OpenAlert {
  /** Generation of the cause key: the launch id of the order under which it failed. */
  readonly cause: string;
  readonly summary: string;
  readonly phase: "raise" | "raised" | "resolve";
}

export interface KeeperState {
  readonly wish: Wish;
  readonly phase: Phase;
  /** Of the last order that launches; null before the first. */
  readonly launchId: string | null;
  readonly window: RestartWindow;
  /** Since the last START. */
  readonly restarts: number;
  readonly comment: string;
  readonly waiting: readonly Asker[];
  readonly alert: OpenAlert | null;
}

export type KeeperEvent =
  | {
      readonly type: "bring";
      readonly asker: number;
      readonly desired: DesiredState;
      readonly launchId: string;
      readonly isPausable: boolean;
    }
  /** The instance is no longer defined: stop it. */
  | { readonly type: "retire" }
  /** It may not run here for now: stop it, and hold it for the master. */
  | { readonly type: "ungranted" }
  | { readonly type: "launched"; readonly launchId: string; readonly process: ProcessIdentity }
  | {
      readonly type: "launch-failed";
      readonly launchId: string;
      /** A whole sentence. */
      readonly reason: string;
      /**
       * `permanent`: trying again cannot help. `unrecorded`: the disk refused the intent, nothing was tried. `not-granted`: it
       * may not run here for now.
       */
      readonly kind: "permanent" | "transient" | "unrecorded" | "not-granted";
      readonly policy: RestartPolicy;
    }
  | { readonly type: "ready"; readonly process: ProcessIdentity }
  | {
      readonly type: "not-ready";
      readonly process: ProcessIdentity;
      readonly reason: string;
      readonly policy: RestartPolicy;
    }
  | {
      readonly type: "exited";
      readonly process: ProcessIdentity;
      readonly how: string;
      readonly lastLine: string | null;
      readonly policy: RestartPolicy;
    }
  /** Nothing of it is left: neither the leader nor a member of its group. */
  | { readonly type: "gone"; readonly process: ProcessIdentity }
  | { readonly type: "grace-elapsed" }
  | { readonly type: "backoff-elapsed" }
  | { readonly type: "kill-overdue" }
  /** The outbox has taken the alert in this phase. */
  | { readonly type: "alert-told"; readonly cause: string; readonly phase: "raise" | "resolve" }
  /** First event of a life that begins with a record; `keeper-restore.ts` makes it. */
  | {
      readonly type: "restored";
      readonly isReady: boolean;
      readonly found:
        | { readonly kind: "alive"; readonly process: ProcessIdentity }
        /** The leader is dead; `process` names what it was. `isTold`: an earlier sentinel has complained of its death. */
        | {
            readonly kind: "dead";
            readonly process: ProcessIdentity;
            readonly hasLeftovers: boolean;
            readonly isTold: boolean;
          }
        /** Nothing was ever launched, or the host has booted since. */
        | { readonly kind: "nothing"; readonly hasRebooted: boolean };
      readonly recorded: "stopped" | "held" | "intent" | "launched" | "backing-off" | "suspended";
      readonly policy: RestartPolicy;
    };

export type KeeperEffect =
  /** `wait`: what follows must not happen before it is on disk (within reason). */
  | { readonly kind: "save"; readonly wait: boolean }
  | { readonly kind: "launch"; readonly launchId: string }
  | { readonly kind: "await-ready"; readonly process: ProcessIdentity }
  | { readonly kind: "end-ready" }
  /** `stop`, `pause` and `resume` are the signals of the definition, `continue` is SIGCONT. All go to the whole group. */
  | {
      readonly kind: "signal";
      readonly process: ProcessIdentity;
      readonly signal: "stop" | "kill" | "pause" | "resume" | "continue";
    }
  /** Notice the death of a process that is not our child. */
  | { readonly kind: "watch"; readonly process: ProcessIdentity }
  /** Tell `gone` once nothing of it is left. */
  | { readonly kind: "await-gone"; readonly process: ProcessIdentity }
  | { readonly kind: "timer"; readonly key: "grace" | "kill" }
  | { readonly kind: "backoff"; readonly attempt: number }
  | { readonly kind: "cancel"; readonly key: "grace" | "kill" | "backoff" }
  /** Status, comment and the row of running processes, as of the new state; and what to tell of it. */
  | {
      readonly kind: "report";
      readonly what: ProcessEvent["what"] | null;
      readonly code: EventCode | null;
      /** The process it is about. */
      readonly pid: number | null;
      /** Whose death it tells: told again by a later sentinel it is the same event. */
      readonly death?: ProcessIdentity;
    }
  | { readonly kind: "answer"; readonly asker: number; readonly status: ProcessStatus; readonly comment: string }
  | { readonly kind: "refuse"; readonly asker: number; readonly code: RefusalCode; readonly message: string }
  /** Tell the alert of the new state to the outbox. */
  | { readonly kind: "alert"; readonly alert: OpenAlert }
  /** Message 1888 in sw_error. */
  | { readonly kind: "complain"; readonly process: ProcessIdentity; readonly text: string };

export type RefusalCode =
  | "START_FAILED"
  | "NOT_GRANTED"
  | "STOP_FAILED"
  | "SUSPENDED"
  | "NOT_PAUSABLE"
  | "NOT_RUNNING"
  | "SUPERSEDED"
  | "BUSY";

export interface Decision {
  readonly state: KeeperState;
  readonly effects: readonly KeeperEffect[];
}

export const initialState: KeeperState = {
  wish: "STOPPED",
  phase: { at: "stopped" },
  launchId: null,
  window: [],
  restarts: 0,
  comment: "",
  waiting: [],
  alert: null,
};

/** The process a phase is about, if one runs. */
export function processOf(phase: Phase): ProcessIdentity | null {
  return "process" in phase ? phase.process : null;
}

/** The documented word for a state. */
export function statusOf({ phase, wish }: Pick<KeeperState, "phase" | "wish">): ProcessStatus {
  switch (phase.at) {
    case "stopped":
      return "STOPPED";
    case "held":
    case "launching":
    case "waiting-ready":
    case "backing-off":
      return "STARTING";
    case "running":
      return "RUNNING";
    case "paused":
      return "PAUSED";
    case "suspended":
      return "SUSPENDED";
    case "stopping":
      return "SHUTTING DOWN";
    case "killing":
      return phase.failure !== null && !isDownWish(wish) ? "STARTING" : "SHUTTING DOWN";
  }
}

export const sameProcess = (a: ProcessIdentity, b: ProcessIdentity): boolean =>
  a.pid === b.pid && a.startTime === b.startTime && a.bootId === b.bootId;
