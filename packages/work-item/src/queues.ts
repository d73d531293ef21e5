/** What queues say about an item: who may work on it, and until when it is to be acknowledged. Pure. */
import { ADMIN_QUEUE, DEFAULT_QUEUE, type Severity, type WorkQueue } from "@castellan/protocol";
import { type ItemRow, later, type Queues } from "./item-line.ts";

export const queueOf = (queues: Queues, name: string): WorkQueue => queues.get(name) ?? DEFAULT_QUEUE;

/** Whether the name is a queue, as opposed to somebody's own. */
export const isQueue = (queues: Queues, name: string): boolean => name === ADMIN_QUEUE || queues.has(name);

/**
 * Members of its queue (everybody, when it has none), whoever it is assigned to, and whoever holds it. The administrator
 * may always.
 */
export function mayWorkOn(queues: Queues, item: ItemRow, user: string): boolean {
  if (user === ADMIN_QUEUE || user === item.assigned_to || user === item.locked_by) return true;
  if (!isQueue(queues, item.queue_name)) return user === item.queue_name;
  const { members } = queueOf(queues, item.queue_name);
  return members.length === 0 || members.includes(user);
}

/** When an item that arrives in a queue now is to be acknowledged. */
export function deadlineIn(queues: Queues, queue: string, severity: Severity, now: Date): Date | null {
  const afterMs = queueOf(queues, queue).deadlines[severity];
  return afterMs === null ? null : new Date(now.getTime() + afterMs);
}

/** When the desk has to look at it: the deadline, unless its cause is silenced for longer. */
export function dueAt(deadline: Date | null, silencedUntil: Date | null): Date | null {
  if (deadline === null) return null;
  return silencedUntil === null ? deadline : later(deadline, silencedUntil);
}
