/**
 * What happens to an item that nobody has acknowledged in time: it becomes urgent, and goes to where its queue says. There
 * a new deadline begins; where nothing more is said it stays, and is not looked at again. Pure.
 */
import { arrivalIn } from "./action-decision.ts";
import { URGENT_PRIORITY } from "./desk-decision.ts";
import { type ItemRow, type ItemStep, nextStep, type Queues, SYSTEM_USER } from "./item-line.ts";
import { queueOf } from "./queues.ts";

/** Null when it is not due, somebody is working on it, or its server is lost: the item of the server escalates for it. */
export function decideEscalation(
  item: ItemRow,
  queues: Queues,
  lostServers: ReadonlySet<string>,
  now: Date,
): ItemStep | null {
  if (item.kind !== "server" && lostServers.has(item.server_name)) return null;
  if (item.open_cause === null || item.due_at === null || item.acknowledged_by !== null) return null;
  if (item.due_at.getTime() > now.getTime() || item.locked_by !== null) return null;
  const { escalateTo } = queueOf(queues, item.queue_name);
  const moved = escalateTo === null || escalateTo === item.queue_name ? null : arrivalIn(item, escalateTo, queues, now);
  const change = {
    ...(moved ?? { due_at: null }),
    escalated: true,
    priority: Math.min(item.priority, URGENT_PRIORITY),
  };
  const note = `nobody acknowledged it in ${item.queue_name} in time${moved === null ? "" : `: to ${escalateTo}`}`;
  return nextStep(item, change, "escalated", { by: SYSTEM_USER, station: null, note, requestId: null, now });
}
