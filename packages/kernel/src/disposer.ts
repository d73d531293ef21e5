/** Starts in order, stops in reverse: what was opened is closed even when a later step fails. */
import { ensureError } from "./errors.ts";

export class Disposer implements AsyncDisposable {
  readonly #steps: { readonly name: string; readonly dispose: () => void | Promise<void> }[] = [];

  /** Registers how to undo what was just done. The last registered is undone first. */
  add(name: string, dispose: () => void | Promise<void>): void {
    this.#steps.push({ name, dispose });
  }

  /** Undoes everything, once, in reverse; failures do not stop the rest and are returned. */
  async dispose(): Promise<{ name: string; error: Error }[]> {
    const failures: { name: string; error: Error }[] = [];
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step.dispose();
      } catch (thrown) {
        failures.push({ name: step.name, error: ensureError(thrown) });
      }
    }
    return failures;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }
}
