/**
 * Starts in order, stops in reverse: what was opened is closed even when a later step fails. Each step has a deadline: one that
 * does not come to its end is named and left behind, and the next has its turn.
 */
import { type Clock, sleep } from "./clock.ts";
import { CastellanError, ensureError } from "./errors.ts";

interface Step {
  readonly name: string;
  readonly dispose: () => void | Promise<void>;
  readonly withinMs: number;
}

/** For a step that says nothing else, milliseconds. */
const USUAL_MS = 10_000;

export class Disposer implements AsyncDisposable {
  readonly #clock: Clock;
  readonly #steps: Step[] = [];
  #current: string | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The step that is being undone now. */
  get current(): string | null {
    return this.#current;
  }

  /** Registers how to undo what was just done. The last registered is undone first. */
  add(name: string, dispose: Step["dispose"], withinMs = USUAL_MS): void {
    this.#steps.push({ name, dispose, withinMs });
  }

  /** Undoes everything, once, in reverse; failures do not stop the rest and are returned: TIMED_OUT is what did not end. */
  async dispose(): Promise<{ name: string; error: Error }[]> {
    const failures: { name: string; error: Error }[] = [];
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      this.#current = step.name;
      try {
        await this.#undo(step);
      } catch (thrown) {
        failures.push({ name: step.name, error: ensureError(thrown) });
      }
    }
    this.#current = null;
    return failures;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  async #undo({ dispose, withinMs }: Step): Promise<void> {
    const over = new AbortController();
    const late = async (): Promise<void> => {
      await sleep(this.#clock, withinMs, over.signal);
      if (!over.signal.aborted) throw new CastellanError("TIMED_OUT", `it has not ended within ${withinMs} ms`);
    };
    try {
      await Promise.race([dispose(), late()]);
    } finally {
      over.abort();
    }
  }
}
