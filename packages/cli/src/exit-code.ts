/** What an error code means to whoever called the program: the exit code, and what can be done about it. One table. */

export const EXIT = { done: 0, refused: 1, usage: 2, notReachable: 3, timedOut: 4, notPermitted: 5 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

interface Meaning {
  readonly exit: ExitCode;
  readonly remedy?: string;
}

const seeStatus = "see what there is with `castellan status`";
const seeItems = "see the work items with `castellan workitem list --all`";

/** Codes that are not listed are refusals (1). */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  USAGE: { exit: EXIT.usage },
  BAD_NAME: { exit: EXIT.usage },
  BAD_SUBJECT: { exit: EXIT.usage },
  BAD_DURATION: { exit: EXIT.usage },
  BAD_SIZE: { exit: EXIT.usage },
  CONFIG_INVALID: { exit: EXIT.usage },
  BAD_VALUE: { exit: EXIT.usage },
  BAD_COUNT: { exit: EXIT.usage },
  UNKNOWN_ATTRIBUTE: { exit: EXIT.usage, remedy: "see them all with `castellan attribute list all`" },

  DATABASE_URL: { exit: EXIT.usage },
  PASSWORD_FILE: {
    exit: EXIT.usage,
    remedy: "castellan.yaml names it as database.passwordFile; its first line is taken",
  },

  NO_HOME: { exit: EXIT.notReachable },
  NODE_MISSING: { exit: EXIT.notReachable, remedy: "bring the node up once with `castellan up`" },
  STORE_UNAVAILABLE: { exit: EXIT.notReachable },
  STORE_AMBIGUOUS: {
    exit: EXIT.notReachable,
    remedy: "it may have happened or not: look with `castellan status` before trying again",
  },
  NOT_REACHABLE: {
    exit: EXIT.notReachable,
    remedy: "is the node up? look with `castellan status`, bring it up with `castellan up`",
  },
  NO_MASTER: { exit: EXIT.notReachable, remedy: "try again in a moment: a server is about to become master" },

  TIMED_OUT: { exit: EXIT.timedOut, remedy: "look with `castellan status`, or wait longer with --timeout" },
  ASK_TIMEOUT: { exit: EXIT.timedOut, remedy: "look whether it was done, or wait longer with --timeout" },

  NOT_PERMITTED: { exit: EXIT.notPermitted },
  NOT_TRUSTED: {
    exit: EXIT.notPermitted,
    remedy: "see what this home shows, and whom it believes: `castellan cert show`",
  },
  // For whoever would try again and again: it does not pass by itself.
  NOT_A_MEMBER: { exit: EXIT.notPermitted },
  NOT_OWNER: { exit: EXIT.notPermitted },
  STORE_FORBIDDEN: { exit: EXIT.notPermitted },
  EACCES: { exit: EXIT.notPermitted, remedy: "run it as the user to whom the node's home belongs" },
  EROFS: { exit: EXIT.notPermitted, remedy: "make its file system writable, or choose another home with --home" },
  EPERM: { exit: EXIT.notPermitted, remedy: "run it as the user to whom the node's home belongs" },

  CYCLE: { exit: EXIT.refused, remedy: "take one of these dependencies out" },
  UNKNOWN_TYPE: { exit: EXIT.refused, remedy: seeStatus },
  UNKNOWN_SERVER: { exit: EXIT.refused, remedy: seeStatus },
  UNKNOWN_INSTANCE: { exit: EXIT.refused, remedy: seeStatus },
  NO_SUCH_PROCESS: { exit: EXIT.refused, remedy: seeStatus },
  DEPENDENCY_NOT_RUNNING: { exit: EXIT.refused, remedy: "start that first, or everything with `castellan start`" },
  HAS_DEPENDENTS: { exit: EXIT.refused, remedy: "stop those first, or everything with `castellan stop`" },
  EVENTS_FAIL: { exit: EXIT.notReachable, remedy: "look at the bus with `castellan doctor`, then try again" },
  SUSPENDED: { exit: EXIT.refused, remedy: "revive it with `castellan restart SERVER TYPE INSTANCE`" },
  BUSY: { exit: EXIT.refused, remedy: "wait for that to end: `castellan status --watch`" },
  PROCESSES_RUNNING: { exit: EXIT.refused, remedy: "stop them first with `castellan stop`" },
  NO_OUTPUT: { exit: EXIT.refused, remedy: "it has not printed anything since it was defined: was it started?" },
  NO_SUCH_ITEM: { exit: EXIT.refused, remedy: seeItems },
  NOT_OPEN: { exit: EXIT.refused, remedy: seeItems },
  LOCKED: {
    exit: EXIT.refused,
    remedy: "ask them to keep or release it, or take it: `castellan workitem undo CASE --force`",
  },
  NOT_LOCKED: { exit: EXIT.refused, remedy: seeItems },
  UNKNOWN_QUEUE: {
    exit: EXIT.refused,
    remedy: "for a user's own queue add --user; queues are defined with `castellan apply`",
  },
  REQUEST_ID_USED: { exit: EXIT.refused },
  NO_SUCH_LETTER: { exit: EXIT.refused, remedy: "see them with `castellan workitem dead-letters`" },
  STILL_DEAD: { exit: EXIT.refused, remedy: "read it with `castellan workitem dead-letters ID`" },
};

export function exitCodeOf(code: string): ExitCode {
  return MEANINGS[code]?.exit ?? EXIT.refused;
}

/** One line that says what to do next, if there is one. */
export function remedyOf(code: string): string | null {
  return MEANINGS[code]?.remedy ?? null;
}
