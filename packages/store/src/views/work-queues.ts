/** The one place that writes and reads `work_queue.definition`. */
import { DEFAULT_QUEUE, StoredWorkQueue, type WorkQueue } from "@castellan/protocol";
import type { Gateway } from "../gateway.ts";

export const writeQueue = (queue: WorkQueue): string => JSON.stringify(queue);

/** What is stored, or null when it cannot be read. */
export function readQueue(definition: string): WorkQueue | null {
  try {
    return StoredWorkQueue.parse(JSON.parse(definition));
  } catch {
    return null; // whoever asks decides what holds instead
  }
}

/** The defined queues by name. One that cannot be read is as if it said nothing. */
export async function readWorkQueues(gateway: Pick<Gateway, "find">): Promise<ReadonlyMap<string, WorkQueue>> {
  const rows = await gateway.find("work_queue");
  return new Map(rows.map((row) => [row.queue_name, readQueue(row.definition) ?? DEFAULT_QUEUE]));
}
