/** The slot of an asker elsewhere: turns the handler's answer into bytes, once. */
import { CastellanError, type ErrorShape, toErrorShape } from "@castellan/kernel";
import type { DeadLetterBox } from "../observe/dead-letters.ts";
import type { Trace } from "../observe/trace.ts";
import type { AskSlot } from "../ref.ts";
import type { Headers } from "../transport/transport.ts";
import { encodeRefusal, encodeReply, NO_HEADERS } from "./wire.ts";

export type Send = (body: Uint8Array, headers: Headers) => void;

/** Where the ask came in. */
interface Door {
  readonly path: string;
  readonly deadLetters: DeadLetterBox;
}

export class WireSlot implements AskSlot {
  readonly kind = "ask";
  readonly trace: Trace | null;
  readonly #type: string;
  readonly #send: Send;
  readonly #door: Door;
  #answered = false;

  constructor(type: string, send: Send, trace: Trace | null, door: Door) {
    this.trace = trace;
    this.#type = type;
    this.#send = send;
    this.#door = door;
  }

  success(reply: unknown): void {
    this.#answer(encodeReply(reply), NO_HEADERS); // what cannot be encoded is the handler's defect: it throws there
  }

  refuse(error: CastellanError | ErrorShape): void {
    const refusal = encodeRefusal(error instanceof CastellanError ? error.toShape() : error);
    this.#answer(refusal.body, refusal.headers);
  }

  undelivered(error: CastellanError): void {
    this.refuse(error);
  }

  defect(error: Error): void {
    // A defect is INTERNAL whatever class was thrown; and one after the answer has nobody to tell.
    if (!this.#answered) this.refuse(toErrorShape(new Error(error.message)));
  }

  #answer(body: Uint8Array, headers: Headers): void {
    if (this.#answered) {
      this.#door.deadLetters.add(this.#door.path, this.#type, "second-reply");
      return;
    }
    this.#answered = true;
    this.#send(body, headers);
  }
}
