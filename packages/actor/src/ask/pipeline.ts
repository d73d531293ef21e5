/**
 * Many asks to one actor without waiting for each: they leave in order, those of one turn in one write, and at most
 * `window` are under way, so that a fast asker cannot fill a slow actor's mailbox or the connection's buffer.
 */
import { CastellanError, type Clock } from "@castellan/kernel";
import { NotReachable } from "../errors.ts";
import type { AskOptions, Questions, Ref } from "../ref.ts";
import { DeadlineSweep } from "./deadline-sweep.ts";

export interface PipelineOptions {
  /** The most asks under way. Default 100. */
  readonly window?: number;
  /** The most that wait their turn; one more is refused with PIPELINE_FULL (retryable). Default 10,000. */
  readonly queue?: number;
  readonly clock: Clock;
}

export interface Pipeline<Q extends Questions<Q>> {
  /** As the ref's own. The time in the queue counts; whoever is still there at the deadline was never sent: `NotReachable`. */
  ask<K extends keyof Q & string>(
    message: Q[K]["message"] & { readonly type: K },
    options: AskOptions,
  ): Promise<Q[K]["reply"]>;
  readonly inFlight: number;
  readonly queued: number;
}

interface Queued {
  readonly deadlineMs: number;
  start(): void;
  /** Its turn did not come in time. */
  expire(): void;
}

export function createPipeline<Q extends Questions<Q>>(ref: Ref<never, Q>, options: PipelineOptions): Pipeline<Q> {
  const { window = 100, queue: limit = 10_000, clock } = options;
  let queue: Queued[] = [];
  let inFlight = 0;

  const sweep = new DeadlineSweep(clock, (nowMs) => {
    const due = queue.filter(({ deadlineMs }) => deadlineMs <= nowMs);
    queue = queue.filter(({ deadlineMs }) => deadlineMs > nowMs);
    for (const queued of due) queued.expire();
    return queue.reduce((first, { deadlineMs }) => Math.min(first, deadlineMs), Number.POSITIVE_INFINITY);
  });
  const next = (): void => {
    while (inFlight < window) {
      const queued = queue.shift();
      if (queued === undefined) return;
      inFlight += 1;
      queued.start();
    }
  };
  const settled = (): void => {
    inFlight -= 1;
    next();
  };
  return {
    ask: (message, { timeoutMs }) =>
      new Promise((resolve, reject) => {
        const { path } = ref;
        if (inFlight >= window && queue.length >= limit) {
          const full = `${limit} asks wait for their turn to ${path}`;
          reject(new CastellanError("PIPELINE_FULL", full, { retryable: true, details: { path, limit } }));
          return;
        }
        const deadlineMs = clock.bootMs() + timeoutMs;
        queue.push({
          deadlineMs,
          start() {
            ref.ask(message, { timeoutMs: Math.max(1, deadlineMs - clock.bootMs()) }).then(
              (reply) => {
                settled();
                resolve(reply);
              },
              (thrown: unknown) => {
                settled();
                reject(thrown);
              },
            );
          },
          expire: () => reject(new NotReachable(path, message.type, "its turn did not come in time")),
        });
        next();
        if (queue.length > 0) sweep.watch(deadlineMs);
      }),
    get inFlight() {
      return inFlight;
    },
    get queued() {
      return queue.length;
    },
  };
}
