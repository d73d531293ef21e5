/** A process keeper: keeps one instance of one server as it is wanted. */
import { z } from "zod";
import { DesiredState, ProcessStatus } from "../status.ts";

export const Keeper = {
  actor: "process",
  messages: {
    /**
     * Brings the instance to a state; answered when it is there (with how: "started", "already running", ...), refused
     * START_FAILED, SUSPENDED, STOP_FAILED, NOT_PAUSABLE, SUPERSEDED (a later order replaced this one).
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
