/**
 * The event self-test: does what is published on the bus come back? Before a START or SHUTDOWN, for without events nobody would
 * hear of what is done.
 */
import { CastellanError, type Clock } from "@castellan/kernel";

/** What of a bus is needed. */
export interface LoopbackBus {
  /** Throws, or does nothing, when it cannot be sent. */
  publish(subject: string, body: Uint8Array): void;
  /** `failed`: nothing will come, for example because it is not permitted. */
  subscribe(
    subject: string,
    heard: (body: Uint8Array) => void,
    failed: (error: Error) => void,
  ): { readonly close: () => void };
}

export interface LoopbackDeps {
  readonly bus: LoopbackBus;
  readonly subject: string;
  readonly clock: Clock;
  readonly newId: () => string;
  /** Default 1,500: within one attempt of who asked. */
  readonly withinMs?: number;
}

/** Resolves with how long it took, milliseconds. Rejects with EVENTS_FAIL (retryable), saying what to look at. */
export function testEvents({ bus, subject, clock, newId, withinMs = 1500 }: LoopbackDeps): Promise<number> {
  const id = newId();
  const startedMs = clock.bootMs();
  return new Promise((resolve, reject) => {
    let subscription: { readonly close: () => void } | null = null;
    let hasEnded = false;
    const end = (settle: () => void): void => {
      if (hasEnded) return; // it came after all
      hasEnded = true;
      timer.cancel();
      subscription?.close();
      settle();
    };
    const fail = (why: string, cause?: unknown): void => end(() => reject(eventsFail(subject, why, withinMs, cause)));
    const timer = clock.after(withinMs, () => fail("it did not come back"));
    try {
      subscription = bus.subscribe(
        subject,
        (body) => {
          if (new TextDecoder().decode(body) === id) end(() => resolve(clock.bootMs() - startedMs));
        },
        (error) => fail(error.message, error),
      );
      bus.publish(subject, new TextEncoder().encode(id));
    } catch (thrown) {
      fail(thrown instanceof Error ? thrown.message : String(thrown), thrown);
    }
  });
}

function eventsFail(subject: string, why: string, withinMs: number, cause: unknown): CastellanError {
  return new CastellanError(
    "EVENTS_FAIL",
    `events do not work: the message sent to ${subject} was not received within ${withinMs / 1000} s (${why}); nothing was ` +
      "started or stopped. Is the NATS server up, and may the sentinel publish and subscribe there?",
    { retryable: true, details: { subject }, cause },
  );
}
