/**
 * The work-item desk: users' actions on items. Lives on the master.
 *
 * Every action is refused NO_SUCH_ITEM; NOT_PERMITTED when the item's queue is a group that the user is not a member of;
 * NOT_OPEN when the item is released or resolved; LOCKED while somebody else holds it, unless said otherwise below. The
 * same `requestId` is the same action: it is done once and answered again. REQUEST_ID_USED: it was another action's.
 */
import { z } from "zod";
import { WorkItemReport } from "../reports.ts";
import { UserName } from "./work-queue.ts";

const who = {
  by: UserName,
  /** Host on which the user gave the command. */
  station: z.string().min(1).max(64),
  requestId: z.string().min(1).max(64),
};
const Note = z.string().min(1).max(1000);
const onItem = { ...who, caseNumber: z.int().positive(), note: Note.optional() };

/** `changed`: false when everything was so already. */
const reply = z.object({ caseNumber: z.int(), state: z.string(), changed: z.boolean(), item: WorkItemReport });
export type WorkItemReply = z.infer<typeof reply>;

const DAY_MS = 86_400_000;

export const Desk = {
  actor: "desk",
  messages: {
    /** Takes the item to work on it: it is locked until kept, undone, released or forwarded. */
    Open: { request: z.object(onItem), reply },
    /** Puts it back into its queue as something one has seen and will come back to. */
    Keep: { request: z.object(onItem), reply },
    /** Gives the lock up: the item is as before it was opened. Refused NOT_LOCKED. */
    Undo: { request: z.object(onItem), reply },
    /** Takes the lock away from whoever holds it. Refused NOT_LOCKED. */
    BreakLock: { request: z.object(onItem), reply },
    /** Removes the item from its queue: it has been seen to. Needs no lock. */
    Release: { request: z.object(onItem), reply },
    /** To another queue, or to the own queue of a user. Refused UNKNOWN_QUEUE. */
    Forward: {
      request: z.object({
        ...onItem,
        to: z.union([z.strictObject({ queue: z.string().min(1).max(64) }), z.strictObject({ user: UserName })]),
      }),
      reply,
    },
    /** A line in its history, whatever its state and whoever holds it. */
    Note: { request: z.object({ ...onItem, note: Note }), reply },
    /** Somebody knows: it escalates no more. Whoever holds it. */
    Acknowledge: { request: z.object(onItem), reply },
    /** Says who is to do it (null: nobody in particular). Others may still do it. */
    Assign: { request: z.object({ ...onItem, to: UserName.nullable() }), reply },
    /**
     * For that time (null: no longer) its cause makes no new item and does not escalate. Also for a released item; for a
     * resolved one refused NOT_OPEN.
     */
    Silence: {
      request: z.object({
        ...onItem,
        forMs: z
          .int()
          .min(1000)
          .max(366 * DAY_MS)
          .nullable(),
      }),
      reply,
    },
    /** Reads a dead letter again and applies it. Refused NO_SUCH_LETTER, STILL_DEAD. */
    RetryDeadLetter: {
      request: z.object({ ...who, id: z.string().min(1).max(64) }),
      /** Null: the alert was about nothing that is open. */
      reply: z.object({ id: z.string(), caseNumber: z.int().nullable() }),
    },
  },
} as const;
