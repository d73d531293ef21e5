/** What goes into a user's thread, and what comes back. */
import { z } from "zod";

export const UserTask = z.object({
  url: z.string(),
  user: z.string(),
  seed: z.int(),
  cases: z.int(),
  /** Ends after so much time, or so many things done. */
  forMs: z.number(),
  most: z.int(),
});
export type UserTask = z.infer<typeof UserTask>;

export const LedgerLine = z.object({
  requestId: z.string(),
  type: z.string(),
  caseNumber: z.int(),
  by: z.string(),
  /** `changed`, `unchanged`, `unknown` (no answer came), or the code of a refusal. */
  outcome: z.string(),
  /** When it was asked, and how long the answer took. */
  atMs: z.number(),
  tookMs: z.number(),
});
export type LedgerLine = z.infer<typeof LedgerLine>;
