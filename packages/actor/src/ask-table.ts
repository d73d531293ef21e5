/** The asks of this system that wait for an answer from a local actor, with one sweep for all their deadlines. */
import { CastellanError, type Clock, type ErrorShape } from "@castellan/kernel";
import type { DeadLetterBox } from "./dead-letters.ts";
import { DeadlineSweep } from "./deadline-sweep.ts";
import { AskTimeout, fromErrorShape, NotReachable, RemoteError } from "./errors.ts";
import type { AskSlot } from "./ref.ts";

/** Rejects with the class of the refusal: one that this runtime knows stays what it is. */
const refusalOf = (error: CastellanError | ErrorShape): CastellanError =>
  error instanceof CastellanError ? error : fromErrorShape(error);

interface Waiting {
  readonly deadlineMs: number;
  expire(): void;
}

export class AskTable {
  readonly #clock: Clock;
  readonly #deadLetters: DeadLetterBox;
  readonly #waiting = new Set<Waiting>();
  readonly #sweep: DeadlineSweep;

  constructor(clock: Clock, deadLetters: DeadLetterBox) {
    this.#clock = clock;
    this.#deadLetters = deadLetters;
    this.#sweep = new DeadlineSweep(clock, (nowMs) => this.#expire(nowMs));
  }

  /** `deliver` gets the slot to send along; the promise is what the asker waits for. */
  open(path: string, type: string, timeoutMs: number, deliver: (slot: AskSlot) => void): Promise<never> {
    return new Promise<never>((resolve, reject) => {
      // The message types are forgotten here (see ErasedRef): the value goes through a method, whose parameter the
      // compiler lets vary, into a promise of a type that only the caller knows.
      const settle: { resolve(value: unknown): void; reject(error: Error): void } = { resolve, reject };
      const waiting: Waiting = {
        deadlineMs: this.#clock.bootMs() + timeoutMs,
        expire: () => settle.reject(new AskTimeout(path, type, timeoutMs)),
      };
      const once = (act: () => void): void => {
        if (this.#waiting.delete(waiting)) act();
        else this.#deadLetters.add(path, type, "second-reply");
      };
      this.#waiting.add(waiting);
      this.#sweep.watch(waiting.deadlineMs);
      deliver({
        kind: "ask",
        success: (reply) => once(() => settle.resolve(reply)),
        refuse: (error) => once(() => settle.reject(refusalOf(error))),
        undelivered: (error) => once(() => settle.reject(error)),
        // The handler may have answered before it broke: then the asker has its answer and there is nothing to add.
        defect: (error) => {
          if (this.#waiting.delete(waiting)) settle.reject(new RemoteError("INTERNAL", error.message));
        },
      });
    });
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
