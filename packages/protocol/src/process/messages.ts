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
    /**
     * A part of what the instance has printed: what follows a bookmark, or without one the last `lines` lines. A bookmark is
     * an earlier answer's `next`, and nobody's to look into. Refused NO_OUTPUT, BAD_BOOKMARK.
     */
    ReadOutput: {
      request: z.object({ from: z.string().max(1000).nullable(), lines: z.int().min(0).max(1_000_000) }),
      reply: z.object({
        /** base64 */
        data: z.string(),
        next: z.string(),
        /** Something after the bookmark was cut off before it was read. */
        isTorn: z.boolean(),
        hasMore: z.boolean(),
      }),
    },
    /** Writes the last of its output, and its state, to a file of its own; answers the file's path. */
    DumpLog: { request: z.object({ by: z.string().max(64) }), reply: z.object({ file: z.string() }) },
  },
} as const;
