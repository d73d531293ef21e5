/** The outbox of a server: alerts wait here until the desk has recorded them. */
import { z } from "zod";
import { Alert, AlertPhase } from "../alert.ts";

export const Outbox = {
  actor: "outbox",
  messages: {
    /** Accepts an alert: the reply means it is on disk and will reach the desk, whatever dies. */
    Report: {
      request: z.object({
        phase: AlertPhase,
        alert: Alert,
        /** The same on every attempt to report it: reported again, it is answered with the same number. */
        reportId: z.string().max(64).optional(),
      }),
      reply: z.object({ number: z.int() }),
    },
    /** The desk has recorded everything up to `number` of this outbox: forget it. */
    Confirm: { request: z.object({ outbox: z.string(), number: z.int().nonnegative() }) },
    /** The desk misses what follows `after`: send it again. */
    Resend: { request: z.object({ outbox: z.string(), after: z.int().nonnegative() }) },
  },
} as const;
