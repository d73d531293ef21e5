/** Messages nobody handled: counted by reason, the last ones kept, published, logged at most once a second. */
import type { Clock, Logger } from "@castellan/kernel";
import type { EventStream } from "./events.ts";
import { type DeadLetter, type DeadLetterReason, topics } from "./topics.ts";

export interface DeadLetters {
  readonly count: number;
  readonly byReason: Readonly<Partial<Record<DeadLetterReason, number>>>;
  /** The last 100, oldest first. Each is also published on `topics.deadLetter`. */
  readonly recent: readonly DeadLetter[];
}

const KEPT = 100;
const LOG_EVERY_MS = 1000;

export class DeadLetterBox implements DeadLetters {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #events: EventStream;
  readonly recent: DeadLetter[] = [];
  readonly byReason: Partial<Record<DeadLetterReason, number>> = {};
  count = 0;
  #loggedAtMs = Number.NEGATIVE_INFINITY;
  #unlogged = 0;

  constructor(clock: Clock, logger: Logger, events: EventStream) {
    this.#clock = clock;
    this.#logger = logger;
    this.#events = events;
  }

  add(path: string, type: string, reason: DeadLetterReason): void {
    const letter = this.#keep(path, type, reason);
    this.#events.publish(topics.deadLetter, letter);
    if (reason === "no-handler") this.#events.publish(topics.unhandled, letter);
  }

  /** An event that its subscriber did not take. Published it might come back, and so for ever. */
  addEvent(path: string, type: string, reason: DeadLetterReason): void {
    this.#keep(path, type, reason);
  }

  #keep(path: string, type: string, reason: DeadLetterReason): DeadLetter {
    const letter: DeadLetter = { path, type, reason, at: this.#clock.now() };
    this.count += 1;
    this.byReason[reason] = (this.byReason[reason] ?? 0) + 1;
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
    return letter;
  }
}
