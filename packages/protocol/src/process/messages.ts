/** A process keeper: keeps one instance of one server as it is wanted. */
import { z } from "zod";
import { DesiredState, ProcessStatus } from "../status.ts";

export const Keeper = {
  actor: "process",
  messages: {
    /**
     * Brings the instance to a state; answered when it is there (with how: "started", "already running", ...), refused
     * START_FAILED, SUSPENDED, STOP_FAILED, NOT_PAUSABLE, NOT_RUNNING (nothing to pause), SUPERSEDED (a later order
     * replaced this one), BUSY (too many wait for an answer), KEEPER_STOPPED (retryable: the sentinel is ending).
     */
    Bring: {
      request: z.object({ desired: DesiredState, launchId: z.string().max(64), by: z.string().max(64) }),
      reply: z.object({ status: ProcessStatus, comment: z.string() }),
    },
    GetStatus: {
      request: z.object({}),
      reply: z.object({ status: ProcessStatus, comment: z.string(), pid: z.int().nullable(), restarts: z.int() }),
    },
  },
} as const;
