/** The defined queues, as they were a moment ago: they change rarely, and every alert asks for them. */
import type { Clock } from "@castellan/kernel";
import { type Gateway, readWorkQueues } from "@castellan/store";
import type { Queues } from "./item-line.ts";

/** How old an answer may be, milliseconds. */
const FRESH_MS = 2000;

/** Rejects when the schema does and no answer is fresh enough. */
export function cachedQueues(gateway: Pick<Gateway, "find">, clock: Pick<Clock, "bootMs">): () => Promise<Queues> {
  let known: { readonly queues: Queues; readonly atMs: number } | null = null;
  return async () => {
    if (known !== null && clock.bootMs() - known.atMs < FRESH_MS) return known.queues;
    const atMs = clock.bootMs();
    const queues = await readWorkQueues(gateway);
    known = { queues, atMs };
    return queues;
  };
}
