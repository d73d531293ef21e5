/**
 * The timers of one life of an actor. A firing travels through the mailbox as a tag that names its timer object; it
 * counts only while that very object is still the one under its key, so a cancelled or restarted key never delivers
 * an old firing, not even one that already waits in the mailbox.
 */
import type { Clock, Timer } from "@castellan/kernel";
import type { Timers } from "../actor.ts";
import type { Message } from "../message.ts";

/** Mailbox tag of a timer's firing. */
export interface TimerTag {
  readonly kind: "timer";
  readonly key: string;
  readonly periodMs: number | null;
  readonly trace: null;
  handle: Timer | null;
  /** A firing waits in the mailbox. */
  queued: boolean;
}

export class CellTimers implements Timers<Message> {
  readonly #clock: Clock;
  readonly #enqueue: (message: Message, tag: TimerTag) => void;
  readonly #byKey = new Map<string, TimerTag>();
  #closed = false;

  constructor(clock: Clock, enqueue: (message: Message, tag: TimerTag) => void) {
    this.#clock = clock;
    this.#enqueue = enqueue;
  }

  once(key: string, delayMs: number, message: Message): void {
    this.#start(key, delayMs, null, message);
  }

  every(key: string, periodMs: number, message: Message): void {
    this.#start(key, periodMs, periodMs, message);
  }

  cancel(key: string): void {
    this.#byKey.get(key)?.handle?.cancel();
    this.#byKey.delete(key);
  }

  has(key: string): boolean {
    return this.#byKey.has(key);
  }

  /** Whether a firing taken from the mailbox still counts; says it is handled now. */
  accept(tag: TimerTag): boolean {
    if (this.#byKey.get(tag.key) !== tag) return false;
    tag.queued = false;
    if (tag.periodMs === null) this.#byKey.delete(tag.key);
    return true;
  }

  /** Ends all of them; later calls do nothing. */
  close(): void {
    this.#closed = true;
    for (const tag of this.#byKey.values()) tag.handle?.cancel();
    this.#byKey.clear();
  }

  #start(key: string, delayMs: number, periodMs: number | null, message: Message): void {
    this.cancel(key);
    if (this.#closed) return;
    const tag: TimerTag = { kind: "timer", key, periodMs, trace: null, handle: null, queued: false };
    this.#byKey.set(key, tag);
    this.#arm(tag, delayMs, message);
  }

  #arm(tag: TimerTag, delayMs: number, message: Message): void {
    tag.handle = this.#clock.after(delayMs, () => {
      if (tag.periodMs !== null) this.#arm(tag, tag.periodMs, message);
      if (tag.queued) return;
      tag.queued = true;
      this.#enqueue(message, tag);
    });
  }
}
