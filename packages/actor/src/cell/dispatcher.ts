/**
 * Gives ready actors their turns. A turn starts in a microtask, so that a lone message is handled at once; after
 * `YIELD_AFTER` messages the rest waits for the next round of the event loop, so that I/O and timers are never starved.
 */

/** Something with work waiting. */
export interface Runnable {
  /** Handles up to `budget` messages, returns how many. Asks for a turn itself when more are left. */
  run(budget: number): number;
}

const YIELD_AFTER = 256;
/** Places at the front of the line that may be used up before they are given back. */
const COMPACT_AT = 1024;

export class Dispatcher {
  readonly #onDefect: (thrown: unknown) => void;
  #queue: Runnable[] = [];
  #at = 0;
  #pending = false;
  #spent = 0;

  /** `onDefect` hears of a turn that threw, which none should: handlers are guarded in the cell. */
  constructor(onDefect: (thrown: unknown) => void) {
    this.#onDefect = onDefect;
  }

  schedule(runnable: Runnable): void {
    this.#queue.push(runnable);
    if (!this.#pending) this.#wake();
  }

  #wake(): void {
    this.#pending = true;
    if (this.#spent < YIELD_AFTER) {
      queueMicrotask(this.#drain);
      return;
    }
    setImmediate(() => {
      this.#spent = 0;
      this.#drain();
    });
  }

  readonly #drain = (): void => {
    for (let runnable = this.#take(); runnable !== undefined; runnable = this.#take()) {
      try {
        this.#spent += Math.max(1, runnable.run(YIELD_AFTER - this.#spent));
      } catch (thrown) {
        this.#onDefect(thrown);
      }
    }
    this.#pending = false;
    if (this.#at < this.#queue.length) this.#wake();
  };

  /** The next in line, or undefined when the line is empty or the turn used up. */
  #take(): Runnable | undefined {
    if (this.#spent >= YIELD_AFTER) return undefined;
    const runnable = this.#queue[this.#at];
    if (runnable === undefined) {
      this.#queue.length = 0;
      this.#at = 0;
      return undefined;
    }
    this.#at += 1;
    if (this.#at === COMPACT_AT) {
      this.#queue = this.#queue.slice(COMPACT_AT);
      this.#at = 0;
    }
    return runnable;
  }
}
