/** What worker and watcher have in common as programs: how they are told to end, and how they show that they live. */
import type { Clock, Timer } from "@castellan/kernel";
import type { Channel } from "@castellan/sentinel/pair";

export interface StopRequest {
  /** Resolves with the reason of the first request. */
  readonly requested: Promise<string>;
  /** Aborts at the same moment. */
  readonly signal: AbortSignal;
  request(why: string): void;
}

/** Ends on SIGTERM, SIGINT, SIGHUP, or when asked. */
export function stopRequest(): StopRequest {
  const controller = new AbortController();
  let resolve: (why: string) => void = () => undefined;
  const requested = new Promise<string>((settle) => {
    resolve = settle;
  });
  const request = (why: string): void => {
    resolve(why);
    controller.abort();
  };
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.once(signal, () => request(signal));
  return { requested, signal: controller.signal, request };
}

const PROGRESS_MS = 250;

/** Tells the other part that our event loop turns. */
export function reportProgress(channel: Channel, clock: Clock): Timer {
  let counter = 0;
  let timer: Timer | null = null;
  const beat = (): void => {
    counter += 1;
    channel.send({ type: "progress", counter });
    timer = clock.after(PROGRESS_MS, beat);
  };
  beat();
  return { cancel: () => timer?.cancel() };
}
