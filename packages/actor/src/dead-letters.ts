/** Messages nobody handled: counted, the last ones kept, logged at most once a second. */
import type { Clock, Logger } from "@castellan/kernel";

export type DeadLetterReason =
  | "actor-stopped"
  | "mailbox-full"
  | "no-such-actor"
  | "no-handler"
  | "second-reply"
  | "stale-result"
  | "bad-message"
  | "too-large"
  | "transport";

export interface DeadLetter {
  /** Whom it was for. */
  readonly path: string;
  /** The message's type; its content is not kept. */
  readonly type: string;
  readonly reason: DeadLetterReason;
  readonly at: Date;
}

export interface DeadLetters {
  readonly count: number;
  /** The last 100, oldest first. */
  readonly recent: readonly DeadLetter[];
  /** Calls back for each; returns how to end that. */
  subscribe(listener: (letter: DeadLetter) => void): () => void;
}

const KEPT = 100;
const LOG_EVERY_MS = 1000;

export class DeadLetterBox implements DeadLetters {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #listeners = new Set<(letter: DeadLetter) => void>();
  readonly recent: DeadLetter[] = [];
  count = 0;
  #loggedAtMs = Number.NEGATIVE_INFINITY;
  #unlogged = 0;

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  subscribe(listener: (letter: DeadLetter) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  add(path: string, type: string, reason: DeadLetterReason): void {
    const letter: DeadLetter = { path, type, reason, at: this.#clock.now() };
    this.count += 1;
    this.recent.push(letter);
    if (this.recent.length > KEPT) this.recent.shift();
    const nowMs = this.#clock.bootMs();
    if (nowMs - this.#loggedAtMs >= LOG_EVERY_MS) {
      this.#logger.warn("message not delivered", { path, type, reason, unlogged: this.#unlogged, total: this.count });
      this.#loggedAtMs = nowMs;
      this.#unlogged = 0;
    } else {
      this.#unlogged += 1;
    }
    for (const listener of this.#listeners) this.#hear(listener, letter);
  }

  #hear(listener: (letter: DeadLetter) => void, letter: DeadLetter): void {
    try {
      listener(letter);
    } catch (thrown) {
      this.#logger.error("a dead-letter listener threw", { error: thrown });
    }
  }
}
