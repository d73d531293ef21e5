/** What runs inside a server's sentinel: its live actors, for whoever looks for what hangs or piles up. */
import { z } from "zod";

const count = z.int().nonnegative();

export const ActorReport = z.object({
  /** `/user/guardian/processes/web_2`: a child's begins with its parent's. */
  path: z.string(),
  kind: z.string(),
  /** `busy`: it waits for something in the middle of a message. */
  state: z.enum(["starting", "running", "busy", "restarting", "stopping", "stopped"]),
  /** How long it has been in that state, milliseconds. */
  stateMs: count,
  restarts: count,
  /** Messages waiting, the most that ever waited, those its mailbox did not keep, those handled. */
  mailbox: count,
  highWater: count,
  dropped: count,
  processed: count,
});
export type ActorReport = z.infer<typeof ActorReport>;

export const ActorsReport = z.object({
  server: z.string(),
  /** Parents before their children, in the order of their start. */
  actors: z.array(ActorReport),
  /** How many there are besides: an answer has room for so many only. */
  omitted: count,
  deadLetters: z.object({
    total: count,
    byReason: z.record(z.string(), count),
    /** The last ones, oldest first. */
    recent: z.array(z.object({ path: z.string(), type: z.string(), reason: z.string(), at: z.iso.datetime() })),
  }),
});
export type ActorsReport = z.infer<typeof ActorsReport>;

export const Actors = {
  actor: "actors",
  messages: { Inspect: { request: z.object({}), reply: ActorsReport } },
} as const;
