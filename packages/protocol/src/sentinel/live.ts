/**
 * The question whether there is a master, on `live.master`: asked several times a second by every slave. That nobody is there
 * to answer is known at once; that an answer did not come in time says nothing.
 */
import { z } from "zod";

const count = z.int().min(0);

/** `epoch`: what the asker knows of. A master that hears of a later one than its own looks at the schema. */
export const LiveQuestion = z.object({ epoch: count });

export const LiveAnswer = z.discriminatedUnion("word", [
  z.object({
    word: z.literal("master"),
    epoch: count,
    /** How often to ask, milliseconds: less often where there are many to ask. */
    askMs: z.number().min(10).max(60_000),
  }),
  /** About to take over: no sign of life, but not nobody. */
  z.object({ word: z.literal("candidate") }),
]);
export type LiveAnswer = z.infer<typeof LiveAnswer>;

/** What came of asking. */
export const LiveWord = z.discriminatedUnion("word", [
  z.object({ word: z.literal("master"), epoch: count }),
  z.object({ word: z.literal("candidate") }),
  z.object({ word: z.literal("nobody") }),
  z.object({ word: z.literal("silence") }),
]);
export type LiveWord = z.infer<typeof LiveWord>;
