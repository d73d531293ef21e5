/**
 * The outer door of one exposed actor: what comes through it is bytes from strangers. It checks them, hands the message
 * in, and carries the answer back. After the actor's end it stays for a while, so that those who watch from elsewhere
 * learn that it stopped and is not merely out of reach.
 */
import { CastellanError, type Clock, type Timer, toErrorShape } from "@castellan/kernel";
import type { DeadLetterBox } from "./dead-letters.ts";
import { NotReachable } from "./errors.ts";
import type { Message } from "./message.ts";
import { type AnyRef, type AskSlot, DELIVER, WATCH } from "./ref.ts";
import type { Address, Transport } from "./transport/transport.ts";
import { type Codec, encodeRefusal, encodeReply, NO_HEADERS } from "./wire.ts";
import { type Send, WireSlot } from "./wire-slot.ts";

/** The hidden verb of death watch. No message type has it: verbs of types start with a letter. */
export const WATCH_VERB = "_watch";

/** How long the door answers "stopped", milliseconds: several probes of a watcher. */
const LINGER_MS = 5000;

export interface ExposedActorOptions {
  readonly path: string;
  readonly ref: AnyRef;
  readonly codec: Codec;
  readonly clock: Clock;
  readonly deadLetters: DeadLetterBox;
  /** Tells this life of the name from the next. */
  readonly incarnation: string;
  readonly onClosed: () => void;
}

export class ExposedActor {
  readonly ref: AnyRef;
  readonly codec: Codec;
  readonly #options: ExposedActorOptions;
  readonly #deliver: (message: Message, slot: AskSlot | undefined) => void;
  #serving: { close(): void }[] = [];
  #unwatch: () => void = () => undefined;
  #linger: Timer | null = null;
  #closed = false;
  stopped = false;

  constructor(options: ExposedActorOptions) {
    const { ref } = options;
    const deliver = ref[DELIVER];
    if (deliver === undefined) throw new CastellanError("NOT_LOCAL", `${ref.path} is not an actor of this system`);
    this.ref = ref;
    this.codec = options.codec;
    this.#options = options;
    this.#deliver = (message, slot) => deliver.call(ref, message, slot);
  }

  open(transport: Transport | undefined, addresses: readonly Address[]): void {
    for (const address of addresses) {
      const served = transport?.serve(address, (verb, body, _headers, reply) => this.receive(verb, body, reply));
      if (served !== undefined) this.#serving.push(served);
    }
    this.#unwatch = this.ref[WATCH]?.call(this.ref, () => this.#onStopped()) ?? this.#unwatch;
  }

  /** A message from a ref of this very system: trusted. */
  deliver(message: Message, slot: AskSlot | undefined): void {
    this.#deliver(message, slot);
  }

  receive(verb: string, body: Uint8Array, reply: Send | undefined): void {
    if (verb === WATCH_VERB) {
      const { incarnation } = this.#options;
      reply?.(encodeReply({ incarnation, stopped: this.stopped }), NO_HEADERS);
      return;
    }
    let message: Message;
    try {
      message = this.codec.decodeMessage(verb, body);
    } catch (thrown) {
      this.#refuse(verb, thrown, reply);
      return;
    }
    if (this.stopped) {
      this.#refuse(verb, new NotReachable(this.#options.path, message.type, "it has stopped"), reply);
    } else if (this.codec.isAsk(message.type)) {
      this.#deliver(message, reply === undefined ? undefined : new WireSlot(message.type, reply, this.#options));
    } else {
      this.#deliver(message, undefined);
      reply?.(encodeReply({}), NO_HEADERS); // told by a client that asks everything: it may know that it arrived
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.stopped = true;
    this.#unwatch();
    this.#linger?.cancel();
    for (const served of this.#serving) served.close();
    this.#serving = [];
    this.#options.onClosed();
  }

  #onStopped(): void {
    this.stopped = true;
    if (this.#closed) return;
    if (this.#serving.length === 0) this.close();
    else this.#linger = this.#options.clock.after(LINGER_MS, () => this.close());
  }

  #refuse(verb: string, thrown: unknown, reply: Send | undefined): void {
    const shape = toErrorShape(thrown);
    const reason = shape.code === "TOO_LARGE" ? "too-large" : this.stopped ? "actor-stopped" : "bad-message";
    this.#options.deadLetters.add(this.#options.path, verb, reason);
    const answer = encodeRefusal(shape);
    reply?.(answer.body, answer.headers);
  }
}
