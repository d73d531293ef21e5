/** A ref that records what it is sent: what a test hands out in place of an actor. */
import { CastellanError, type Clock, createSystemClock, type ErrorShape, silentLogger } from "@castellan/kernel";
import { AskTable } from "../ask/ask-table.ts";
import type { Message } from "../message.ts";
import { DeadLetterBox } from "../observe/dead-letters.ts";
import { createEventStream } from "../observe/events.ts";
import { Tracer } from "../observe/trace.ts";
import { type ActorRef, type AskOptions, type AskSlot, DELIVER, type TerminationReason, WATCH } from "../ref.ts";

export interface ProbeOptions {
  /** Measures deadlines. Default: the real clock. */
  readonly clock?: Clock;
  readonly path?: string;
}

/** Everything received is kept in `received`; `expect` takes from what no `expect` has taken yet. */
export interface ProbeControls<M extends Message> {
  readonly received: readonly M[];
  /** The next message, which must be of this type; waits for it, default 1,000 ms. Says what came instead. */
  expect<K extends M["type"]>(type: K, options?: { withinMs?: number }): Promise<Extract<M, { readonly type: K }>>;
  /** Fails when a message waits or arrives within `forMs`, default 50. */
  expectNothing(options?: { forMs?: number }): Promise<void>;
  /** Answers the oldest ask that has no answer. */
  reply(value: unknown): void;
  refuse(error: CastellanError | ErrorShape): void;
  /** Ends the probe for those who watch it. */
  terminate(reason?: TerminationReason): void;
}

export type Probe<M extends Message> = ActorRef<M> & ProbeControls<M>;

const WITHIN_MS = 1000;
const NOTHING_FOR_MS = 50;

export function createProbe<M extends Message>(options: ProbeOptions = {}): Probe<M> {
  const clock = options.clock ?? createSystemClock();
  const path = options.path ?? "/probe";
  const asks = new AskTable(
    clock,
    new DeadLetterBox(clock, silentLogger, createEventStream(silentLogger)),
    new Tracer(),
  );
  const received: M[] = [];
  const open: AskSlot[] = [];
  const watchers = new Set<(reason: TerminationReason) => void>();
  let taken = 0;
  let ended: TerminationReason | null = null;
  let arrived: (() => void) | null = null;

  // Whoever holds the ref was checked by the compiler; in here the type is forgotten, as in the runtime.
  const inbox: { push(message: Message): number } = received;
  const deliver = (message: Message, slot: AskSlot | undefined): void => {
    inbox.push(message);
    if (slot !== undefined) open.push(slot);
    arrived?.();
  };
  /** True when a message waits that no `expect` has taken. */
  const waitForNext = (ms: number): Promise<boolean> =>
    new Promise((resolve) => {
      const done = (): void => {
        timer.cancel();
        arrived = null;
        resolve(taken < received.length);
      };
      const timer = clock.after(ms, done);
      if (taken < received.length) done();
      else arrived = done;
    });
  const oldest = (): AskSlot => {
    const slot = open.shift();
    if (slot === undefined) throw new CastellanError("PROBE_NOT_ASKED", `${path} holds no ask without an answer`);
    return slot;
  };
  const isOfType = <K extends M["type"]>(message: M, type: K): message is Extract<M, { readonly type: K }> =>
    message.type === type;

  return {
    path,
    received,
    tell: (message: Message) => deliver(message, undefined),
    ask: (message: Message, { timeoutMs }: AskOptions) =>
      asks.open(path, message.type, timeoutMs, (slot) => deliver(message, slot)),
    [DELIVER]: deliver,
    [WATCH](listener) {
      if (ended === null) watchers.add(listener);
      else listener(ended);
      return () => watchers.delete(listener);
    },
    async expect(type, { withinMs = WITHIN_MS } = {}) {
      await waitForNext(withinMs);
      const message = received[taken];
      if (message === undefined) {
        throw new CastellanError("PROBE_NOTHING", `${path} expected ${type}, but nothing came within ${withinMs} ms`);
      }
      taken += 1;
      if (isOfType(message, type)) return message;
      throw new CastellanError("PROBE_OTHER", `${path} expected ${type}, but got ${JSON.stringify(message)}`);
    },
    async expectNothing({ forMs = NOTHING_FOR_MS } = {}) {
      if (await waitForNext(forMs)) {
        throw new CastellanError(
          "PROBE_SOMETHING",
          `${path} expected nothing, but got ${JSON.stringify(received[taken])}`,
        );
      }
    },
    reply: (value) => oldest().success(value),
    refuse: (error) => oldest().refuse(error),
    terminate(reason = "stopped") {
      ended ??= reason;
      for (const watcher of watchers) watcher(ended);
      watchers.clear();
    },
  };
}
