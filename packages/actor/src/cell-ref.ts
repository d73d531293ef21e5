/** The ref of a local actor. */
import type { Cell } from "./cell.ts";
import type { Message } from "./message.ts";
import { type AskOptions, type AskSlot, DELIVER, type ErasedRef, type TerminationReason, WATCH } from "./ref.ts";

export class CellRef implements ErasedRef {
  readonly cell: Cell;

  constructor(cell: Cell) {
    this.cell = cell;
  }

  get path(): string {
    return this.cell.path;
  }

  tell(message: Message): void {
    this.cell.accept(message, undefined);
  }

  ask(message: Message, options: AskOptions): Promise<never> {
    return this.cell.host.asks.open(this.path, message.type, options.timeoutMs, (slot) =>
      this.cell.accept(message, slot),
    );
  }

  [DELIVER](message: Message, slot: AskSlot | undefined): void {
    this.cell.accept(message, slot);
  }

  [WATCH](listener: (reason: TerminationReason) => void): () => void {
    return this.cell.watch(listener);
  }
}
