/** The asks of this system that wait for an answer from a local actor, with one sweep for all their deadlines. */
import { CastellanError, type Clock, type ErrorShape } from "@castellan/kernel";
import type { DeadLetterBox } from "./dead-letters.ts";
import { DeadlineSweep } from "./deadline-sweep.ts";
import { AskTimeout, fromErrorShape, NotReachable, RemoteError } from "./errors.ts";
import type { AskSlot } from "./ref.ts";

/** Rejects with the class of the refusal: one that this runtime knows stays what it is. */
const refusalOf = (error: CastellanError | ErrorShape): CastellanError =>
  error instanceof CastellanError ? error : fromErrorShape(error);

/** One ask that waits. Also the slot that its handler answers into. */
class LocalSlot implements AskSlot {
  readonly kind = "ask";
  readonly path: string;
  readonly type: string;
  readonly timeoutMs: number;
  readonly deadlineMs: number;
  readonly #table: AskTable;
  readonly #settle: Settle;

  constructor(table: AskTable, settle: Settle, path: string, type: string, timeoutMs: number, deadlineMs: number) {
    this.#table = table;
    this.#settle = settle;
    this.path = path;
    this.type = type;
    this.timeoutMs = timeoutMs;
    this.deadlineMs = deadlineMs;
  }

  success(reply: unknown): void {
    if (this.#table.take(this)) this.#settle.resolve(reply);
  }

  refuse(error: CastellanError | ErrorShape): void {
    if (this.#table.take(this)) this.#settle.reject(refusalOf(error));
  }

  undelivered(error: CastellanError): void {
    if (this.#table.take(this)) this.#settle.reject(error);
  }

  defect(error: Error): void {
    // The handler may have answered before it broke: then the asker has its answer and there is nothing to add.
    if (this.#table.waits(this)) this.undelivered(new RemoteError("INTERNAL", error.message));
  }

  expire(): void {
    this.#settle.reject(new AskTimeout(this.path, this.type, this.timeoutMs));
  }
}

/**
 * How a promise ends whose type only the caller knows. The message types are forgotten in the runtime (see ErasedRef):
 * the value goes through a method, whose parameter the compiler lets vary, into a `Promise<never>`.
 */
export interface Settle {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export class AskTable {
  readonly #clock: Clock;
  readonly #deadLetters: DeadLetterBox;
  readonly #waiting = new Set<LocalSlot>();
  readonly #sweep: DeadlineSweep;

  constructor(clock: Clock, deadLetters: DeadLetterBox) {
    this.#clock = clock;
    this.#deadLetters = deadLetters;
    this.#sweep = new DeadlineSweep(clock, (nowMs) => this.#expire(nowMs));
  }

  /** `deliver` gets the slot to send along; the promise is what the asker waits for. */
  open(path: string, type: string, timeoutMs: number, deliver: (slot: AskSlot) => void): Promise<never> {
    return new Promise<never>((resolve, reject) => {
      const deadlineMs = this.#clock.bootMs() + timeoutMs;
      const slot = new LocalSlot(this, { resolve, reject }, path, type, timeoutMs, deadlineMs);
      this.#waiting.add(slot);
      this.#sweep.watch(deadlineMs);
      deliver(slot);
    });
  }

  waits(slot: LocalSlot): boolean {
    return this.#waiting.has(slot);
  }

  /** True for the first answer to an ask that still waits; any other is a dead letter. */
  take(slot: LocalSlot): boolean {
    if (this.#waiting.delete(slot)) return true;
    this.#deadLetters.add(slot.path, slot.type, "second-reply");
    return false;
  }

  /** Ends every wait: the system is going down. */
  close(): void {
    this.#sweep.cancel();
    for (const waiting of this.#waiting) waiting.expire();
    this.#waiting.clear();
  }

  #expire(nowMs: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const waiting of this.#waiting) {
      if (waiting.deadlineMs <= nowMs) {
        this.#waiting.delete(waiting);
        waiting.expire();
      } else next = Math.min(next, waiting.deadlineMs);
    }
    return next;
  }
}

/** The answer of an actor that is gone. */
export const goneError = (path: string, type: string): NotReachable => new NotReachable(path, type, "it has stopped");

/** The answer of an actor that has more to do than it may keep waiting. */
export const fullError = (path: string, type: string, capacity: number): CastellanError =>
  new CastellanError("MAILBOX_FULL", `${path} has ${capacity} messages waiting and takes no more`, {
    retryable: true,
    details: { path, type, capacity },
  });
