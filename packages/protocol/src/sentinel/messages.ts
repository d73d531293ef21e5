/** The guardian of a server's sentinel. */
import { z } from "zod";

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
    /** There is a new desk: say again what is still going on. */
    Reassert: { request: z.object({}) },
  },
} as const;
