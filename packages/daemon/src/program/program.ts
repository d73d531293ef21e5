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
  const { signal } = controller;
  const requested = new Promise<string>((resolve) => {
    signal.addEventListener("abort", () => resolve(String(signal.reason)), { once: true });
  });
  const request = (why: string): void => controller.abort(why);
  for (const name of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.once(name, () => request(name));
  return { requested, signal, request };
}

export interface EndOptions {
  /** What has not ended in order so long after it was told to does not end by itself, milliseconds. */
  readonly withinMs: number;
  /** The last words of such a one: what it waits for. */
  readonly overdue: () => void;
}

/**
 * Runs a part and ends its process: at once when it is done, whatever still waits for a timer, and in any case a while
 * after it was told to end. A part that neither works nor goes would never be replaced.
 */
export async function runToItsEnd(
  stop: StopRequest,
  part: () => Promise<number>,
  { withinMs, overdue }: EndOptions,
): Promise<never> {
  const end = (): never => {
    overdue();
    process.exit(1);
  };
  stop.signal.addEventListener("abort", () => void setTimeout(end, withinMs), { once: true });
  process.exit(await part());
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
