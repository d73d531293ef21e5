/**
 * A queue of work items as a user writes it and as the schema keeps it. A queue with members is a group: each of them may
 * work on what it holds. A name that is defined nowhere is somebody's own queue.
 */
import { z } from "zod";
import { duration } from "../duration.ts";
import { SEVERITIES } from "../words.ts";

/** Where alerts arrive, and whose user may work on everything. */
export const ADMIN_QUEUE = "swadmin";

/** A user as an audit can keep it: 1-64 characters without control characters. */
export const UserName = z
  .string()
  .regex(/^[^\p{Cc}\p{Cs}]{1,64}$/u, "a user's name is 1-64 characters, none of them a control character");

const QueueName = z.string().regex(/^[a-z0-9_-]{1,64}$/, "a queue's name is 1-64 lower-case letters, digits, - and _");

const deadline = z.union([z.literal("none").transform(() => null), duration], "write a duration (`4h`) or `none`");
const HOUR_MS = 3_600_000;

/** Times are milliseconds once parsed; null = no deadline. */
const Deadlines = z.strictObject({
  info: deadline.default(null),
  warning: deadline.default(24 * HOUR_MS),
  error: deadline.default(4 * HOUR_MS),
  critical: deadline.default(HOUR_MS / 2),
});

export const WorkQueue = z.strictObject({
  /** Empty: everybody. */
  members: z.array(UserName).max(1000).default([]),
  /** Until when an item is to be acknowledged, from its arrival in the queue, by severity. */
  deadlines: Deadlines.prefault({}),
  /** Where it goes when nobody did. Null: it stays, more urgent. */
  escalateTo: QueueName.nullable().default(null),
});
export type WorkQueue = z.infer<typeof WorkQueue>;

export const WorkQueues = z.record(QueueName, WorkQueue);

/** What the schema keeps of one: every default filled in, times in milliseconds. */
export const StoredWorkQueue = z.object({
  members: z.array(z.string()),
  deadlines: z.record(z.enum(SEVERITIES), z.number().nonnegative().nullable()),
  escalateTo: z.string().nullable(),
}) satisfies z.ZodType<WorkQueue>;

/** What holds for a queue that is not defined. */
export const DEFAULT_QUEUE: WorkQueue = WorkQueue.parse({});
