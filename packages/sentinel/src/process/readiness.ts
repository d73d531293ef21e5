/**
 * When an instance may be called RUNNING: asked at once, then at growing intervals, until it is ready, time is up, or
 * nobody wants to know any more.
 */
import { type Clock, formatDuration, sleep } from "@castellan/kernel";
import type { Readiness } from "@castellan/protocol";
import type { ProbeContext } from "./probe.ts";
import { createProbe } from "./readiness-probes.ts";

const FIRST_INTERVAL_MS = 25;
const LAST_INTERVAL_MS = 250;
/** One question may not take longer, whatever the whole may take. */
const ATTEMPT_MS = 2000;
/** With less time than this, no answer means nothing. */
const FAIR_MS = 500;

export type ReadinessResult =
  | { readonly ready: true }
  /** Part of a sentence: "not ready within 30 s: nothing listens on port 9100". */
  | { readonly ready: false; readonly reason: string };

/** Asks until `timeout` of the definition. Resolves with `aborted` as the reason soon after the signal aborts. */
export async function awaitReady(
  spec: Readiness,
  context: ProbeContext,
  clock: Clock,
  signal: AbortSignal,
): Promise<ReadinessResult> {
  if ("none" in spec) return { ready: true };
  const made = createProbe(spec, context);
  if (!made.ok) return { ready: false, reason: made.reason };
  const startedMs = clock.bootMs();
  const left = (): number => startedMs + spec.timeout - clock.bootMs();
  let why = "";
  for (let interval = FIRST_INTERVAL_MS; ; interval = Math.min(interval * 1.5, LAST_INTERVAL_MS)) {
    const deadlineMs = Math.min(ATTEMPT_MS, Math.max(1, left()));
    const attempt = await withDeadline(made.probe, deadlineMs, clock, signal);
    if (signal.aborted) return { ready: false, reason: "aborted" };
    if (attempt.why === null) return { ready: true };
    // The last question may be cut short by the end of the waiting: an earlier answer says more.
    if (!attempt.isLate || deadlineMs >= FAIR_MS || why === "") why = attempt.why;
    if (left() <= 0) return { ready: false, reason: `not ready within ${formatDuration(spec.timeout)}: ${why}` };
    await sleep(clock, Math.min(interval, Math.max(1, left())), signal);
  }
}

async function withDeadline(
  probe: (signal: AbortSignal) => Promise<string | null>,
  deadlineMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<{ readonly why: string | null; readonly isLate: boolean }> {
  const attempt = new AbortController();
  const stop = (): void => attempt.abort();
  const timer = clock.after(deadlineMs, stop);
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    const why = await probe(attempt.signal);
    return { why, isLate: attempt.signal.aborted };
  } finally {
    timer.cancel();
    signal.removeEventListener("abort", stop);
  }
}
