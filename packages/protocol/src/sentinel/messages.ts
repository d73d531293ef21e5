/** The guardian of a server's sentinel. */
import { z } from "zod";
import { WorkerState } from "./heartbeat.ts";
import { LiveWord } from "./live.ts";

const count = z.int().min(0);

export const Sentinel = {
  actor: "sentinel",
  messages: {
    /**
     * Ends worker and watcher of this server, and the NATS server they keep, unless it is for others to go on with.
     * Refused PROCESSES_RUNNING while server processes run.
     */
    Stop: {
      request: z.object({ by: z.string().max(64), keepsBus: z.boolean().optional() }),
      reply: z.object({ stopping: z.literal(true) }),
    },
    /** Configuration in the shared schema has changed: read it again now. */
    Refresh: { request: z.object({}) },
    /** A step may have become claimable: look now. */
    Wake: { request: z.object({}) },
    /** Does what this sentinel publishes come back to it? Refused EVENTS_FAIL. */
    TestEvents: { request: z.object({}), reply: z.object({ tookMs: z.number() }) },
    /**
     * Does the asked server confirm that the asking one still holds its grant? Who has once said no to a generation says no
     * for ever.
     */
    ConfirmGrant: {
      request: z.object({ server: z.int(), generation: count }),
      reply: z.object({ confirmed: z.boolean() }),
    },
    /** The master has revoked a grant: confirm it no more. Answered with how long ago that can last have been done. */
    RefuseGrant: {
      request: z.object({ server: z.int(), generation: count }),
      reply: z.object({ quietMs: z.number().min(0) }),
    },
    /** There is a new desk: say again what is still going on. */
    Reassert: { request: z.object({}) },
    /**
     * Become master now, whoever is: a person's word, or the master's own when what was lost has `returns`. The same request
     * id is answered alike. Refused NOT_TAKEN (retryable), EPOCH_BACKWARDS.
     */
    TakeMastership: {
      request: z.object({
        by: z.string().max(64),
        requestId: z.string().min(1).max(128),
        returns: z.boolean().default(false),
      }),
      reply: z.object({ epoch: count }),
    },
    /**
     * Exchange your pair for that of the release that is installed where you were started from, if it is this one; what runs is
     * adopted. Nothing in it says where or what that is. Refused NOT_INSTALLED, PROGRAM_FAILED.
     */
    Exchange: {
      request: z.object({ by: z.string().max(64), release: z.string().min(1).max(64) }),
      reply: z.object({ from: z.string().max(64), to: z.string().max(64) }),
    },
    /**
     * The pair of the master of this epoch is being exchanged: take nothing from it for so long, 0 = wait no more. Nobody is awaited for more
     * than two minutes of silence, however often that is asked for.
     */
    AwaitMaster: {
      request: z.object({ epoch: count, forMs: z.int().min(0).max(60_000) }),
      /** False: that is not who is followed here, or it has been awaited long enough. */
      reply: z.object({ waits: z.boolean() }),
    },
    /** Do you see the master of this epoch? Asked by a member that does not. */
    MasterSeen: {
      request: z.object({ epoch: count }),
      reply: z.object({
        /** Its own link, routes, schema and event loop are in order, and were for a while: it may judge. */
        settled: z.boolean(),
        epoch: count.nullable(),
        live: LiveWord,
        heardAgoMs: z.number().min(0).nullable(),
      }),
    },
  },
} as const;

/** The watcher of a server of a cluster: it can speak for a worker that is just being restarted. */
export const Watcher = {
  actor: "watcher",
  messages: {
    /** What has become of the worker? */
    Vouch: { request: z.object({}), reply: z.object({ worker: WorkerState }) },
  },
} as const;
