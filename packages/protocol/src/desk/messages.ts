/** The work-item desk: users' actions on items. Lives on the master. */
import { z } from "zod";

const onItem = { caseNumber: z.int().positive(), by: z.string().min(1).max(64) };

export const Desk = {
  actor: "desk",
  messages: {
    /** Removes the item from its queue. Refused LOCKED while somebody else holds it, NO_SUCH_ITEM, NOT_OPEN. */
    Release: {
      request: z.object({ ...onItem, note: z.string().max(1000).optional() }),
      reply: z.object({ caseNumber: z.int(), state: z.string() }),
    },
  },
} as const;
