/** The asks of this system that wait for an answer from a local actor, with one sweep for all their deadlines. */
import { CastellanError, type Clock, type ErrorShape } from "@castellan/kernel";
import { AskTimeout, fromErrorShape, RemoteError } from "../errors.ts";
import type { DeadLetterBox } from "../observe/dead-letters.ts";
import type { Trace, Tracer } from "../observe/trace.ts";
import type { AskSlot } from "../ref.ts";
import { DeadlineSweep } from "./deadline-sweep.ts";

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
  readonly trace: Trace | null;
  readonly #table: AskTable;
  readonly #settle: Settle;

  constructor(
    table: AskTable,
    settle: Settle,
    path: string,
    type: string,
    timeoutMs: number,
    deadlineMs: number,
    trace: Trace | null,
  ) {
    this.#table = table;
    this.#settle = settle;
    this.path = path;
    this.type = type;
    this.timeoutMs = timeoutMs;
    this.deadlineMs = deadlineMs;
    this.trace = trace;
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
  readonly #tracer: Tracer;
  readonly #waiting = new Set<LocalSlot>();
  readonly #sweep: DeadlineSweep;

  constructor(clock: Clock, deadLetters: DeadLetterBox, tracer: Tracer) {
    this.#clock = clock;
    this.#deadLetters = deadLetters;
    this.#tracer = tracer;
    this.#sweep = new DeadlineSweep(clock, (nowMs) => this.#expire(nowMs));
  }

  /** `deliver` gets the slot to send along; the promise is what the asker waits for. */
  open(path: string, type: string, timeoutMs: number, deliver: (slot: AskSlot) => void): Promise<never> {
    return new Promise<never>((resolve, reject) => {
      const deadlineMs = this.#clock.bootMs() + timeoutMs;
      const slot = new LocalSlot(this, { resolve, reject }, path, type, timeoutMs, deadlineMs, this.#tracer.current());
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
