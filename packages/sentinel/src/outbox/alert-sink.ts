/**
 * The alert port over an outbox: whoever reports an alert is answered when it is on disk. While the disk refuses, the
 * report waits here and is tried again under the same id, so that a lost answer makes no second occurrence.
 */
import type { ActorRef, CommandOf } from "@castellan/actor";
import {
  type Backoff,
  backoffMs,
  CastellanError,
  type Clock,
  ensureError,
  type IdSource,
  type Logger,
  type Rng,
  sleep,
} from "@castellan/kernel";
import type { Alert, AlertPhase, Outbox } from "@castellan/protocol";
import type { AlertSink } from "../ports.ts";

export interface AlertSinkDeps {
  readonly outbox: ActorRef<CommandOf<typeof Outbox>>;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly newId: IdSource;
  readonly log: Logger;
  /** Ends all waiting: the sentinel stops. */
  readonly signal: AbortSignal;
  /** Reports that may wait at once; one more is refused with `ALERTS_WAITING`. Default 10,000. */
  readonly maxWaiting?: number;
}

const ASK_MS = 5000;
const RETRY: Backoff = { firstMs: 100, maxMs: 5000 };

/** Alerts of one cause are accepted in the order they were reported in; different causes do not wait for each other. */
export function createAlertSink(deps: AlertSinkDeps): AlertSink {
  const { clock, log, maxWaiting = 10_000, newId, outbox, rng, signal } = deps;
  const tails = new Map<string, Promise<void>>();
  let waiting = 0;

  async function accept(phase: AlertPhase, alert: Alert, reportId: string): Promise<void> {
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      try {
        await outbox.ask({ type: "Report", phase, alert, reportId }, { timeoutMs: ASK_MS });
        return;
      } catch (thrown) {
        const error = ensureError(thrown);
        if (error instanceof CastellanError && !error.retryable && error.code !== "INTERNAL") throw error;
        const againMs = backoffMs(RETRY, attempt, rng);
        // Once for each alert: a disk may refuse for days, and thousands may wait.
        if (attempt === 0)
          log.warn("an alert is not accepted yet; trying again", { cause: alert.cause, waiting, error });
        await sleep(clock, againMs, signal);
      }
    }
    throw new CastellanError("STOPPING", "the sentinel stops; the alert was not accepted", {
      details: { cause: alert.cause },
    });
  }

  return {
    async report(phase, alert) {
      if (waiting >= maxWaiting) {
        throw new CastellanError("ALERTS_WAITING", `${waiting} alerts wait for the outbox already`, {
          retryable: true,
        });
      }
      waiting += 1;
      const before = tails.get(alert.cause) ?? Promise.resolve();
      const turn = before.then(() => accept(phase, alert, newId()));
      // Its successor waits for it, however it ends.
      const tail = turn.catch(() => undefined);
      tails.set(alert.cause, tail);
      try {
        await turn;
      } finally {
        waiting -= 1;
        if (tails.get(alert.cause) === tail) tails.delete(alert.cause);
      }
    },
  };
}
