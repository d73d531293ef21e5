/** The ref of a local actor. */
import type { Message } from "../message.ts";
import { type AskOptions, type AskSlot, DELIVER, type ErasedRef, type TerminationReason, WATCH } from "../ref.ts";
import type { Target } from "./cell-host.ts";

export class CellRef implements ErasedRef {
  readonly #target: Target;

  constructor(target: Target) {
    this.#target = target;
  }

  get path(): string {
    return this.#target.path;
  }

  tell(message: Message): void {
    this.#target.accept(message, undefined);
  }

  ask(message: Message, options: AskOptions): Promise<never> {
    const target = this.#target;
    return target.host.asks.open(target.path, message.type, options.timeoutMs, (slot) => target.accept(message, slot));
  }

  [DELIVER](message: Message, slot: AskSlot | undefined): void {
    this.#target.accept(message, slot);
  }

  [WATCH](listener: (reason: TerminationReason) => void): () => void {
    return this.#target.watch(listener);
  }
}
