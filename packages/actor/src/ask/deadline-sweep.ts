/**
 * One timer for many deadlines. Waiting asks come and go by the hundred thousand; a timer each would cost more than
 * the asks. A deadline is seen at most `GRAIN_MS` late.
 */
import type { Clock, Timer } from "@castellan/kernel";

const GRAIN_MS = 10;

export class DeadlineSweep {
  readonly #clock: Clock;
  readonly #sweep: (nowMs: number) => number;
  #timer: Timer | null = null;
  #armedForMs = Number.POSITIVE_INFINITY;

  /** `sweep` ends what is due at `nowMs` and returns the earliest deadline left, or Infinity. */
  constructor(clock: Clock, sweep: (nowMs: number) => number) {
    this.#clock = clock;
    this.#sweep = sweep;
  }

  /** Something must be looked at by `deadlineMs`, boot-time. */
  watch(deadlineMs: number): void {
    if (deadlineMs + GRAIN_MS <= this.#armedForMs || this.#timer === null) this.#arm(deadlineMs);
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#armedForMs = Number.POSITIVE_INFINITY;
  }

  #arm(deadlineMs: number): void {
    this.#timer?.cancel();
    const nowMs = this.#clock.bootMs();
    const delayMs = Math.max(deadlineMs - nowMs, 0);
    this.#armedForMs = nowMs + delayMs;
    this.#timer = this.#clock.after(Math.ceil(delayMs), () => {
      this.cancel();
      const next = this.#sweep(this.#clock.bootMs());
      if (next !== Number.POSITIVE_INFINITY) this.#arm(Math.max(next, this.#clock.bootMs() + GRAIN_MS));
    });
  }
}
