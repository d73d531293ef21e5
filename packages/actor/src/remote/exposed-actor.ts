/**
 * The outer door of one exposed actor: what comes through it is bytes from strangers. It checks them, hands the message
 * in, and carries the answer back. After the actor's end it stays for a while, so that those who watch from elsewhere
 * learn that it stopped and is not merely out of reach.
 */
import { CastellanError, type Clock, type Timer, toErrorShape } from "@castellan/kernel";
import type { HeldEpoch } from "../actor.ts";
import { NotReachable, StaleEpoch } from "../errors.ts";
import type { Message } from "../message.ts";
import type { DeadLetterBox } from "../observe/dead-letters.ts";
import type { DeadLetterReason } from "../observe/topics.ts";
import type { Tracer } from "../observe/trace.ts";
import { type AnyRef, type AskSlot, DELIVER, WATCH } from "../ref.ts";
import type { Address, Headers, Transport } from "../transport/transport.ts";
import { type Life, WATCH_VERB } from "./remote-watch.ts";
import { type Codec, encodeRefusal, encodeReply, epochOf, NO_HEADERS, traceOf } from "./wire.ts";
import { type Send, WireSlot } from "./wire-slot.ts";

/** How long the door answers "stopped", milliseconds: several probes of a watcher. */
const LINGER_MS = 5000;

export interface ExposedActorOptions {
  readonly path: string;
  readonly ref: AnyRef;
  readonly codec: Codec;
  readonly clock: Clock;
  readonly deadLetters: DeadLetterBox;
  readonly tracer: Tracer;
  readonly held: HeldEpoch | null;
  /** Tells this life of the name from the next. */
  readonly incarnation: string;
  /** No message comes in any more. */
  readonly onStopped: () => void;
  readonly onClosed: () => void;
}

const REASONS: Readonly<Record<string, DeadLetterReason>> = {
  TOO_LARGE: "too-large",
  NOT_REACHABLE: "actor-stopped",
  STALE_EPOCH: "stale-epoch",
  MAILBOX_FULL: "mailbox-full",
  BUSY: "overload",
};
const TOO_MUCH = "more comes in here than can be handled; try again later";

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
      const served = transport?.serve(
        address,
        (verb, body, headers, reply) => this.receive(verb, body, headers, reply),
        (verb, reply) => this.#refuse(verb, new CastellanError("BUSY", TOO_MUCH, { retryable: true }), reply),
      );
      if (served !== undefined) this.#serving.push(served);
    }
    this.#unwatch = this.ref[WATCH]?.call(this.ref, () => this.#onStopped()) ?? this.#unwatch;
  }

  /** `epoch`: the one that the asker knows of. */
  lifeFor(epoch: number | null): Life {
    const { incarnation, held } = this.#options;
    if (held !== null && epoch !== null && epoch > held.epoch) held.onLater(epoch);
    return { incarnation, stopped: this.stopped, epoch: held?.epoch ?? null };
  }

  /** A message from a ref of this very system: trusted, but for its epoch. Throws `StaleEpoch`. */
  deliver(message: Message, slot: AskSlot | undefined, epoch: number | null): void {
    this.#admit(message.type, epoch);
    this.#deliver(message, slot);
  }

  receive(verb: string, body: Uint8Array, headers: Headers, reply: Send | undefined): void {
    if (verb === WATCH_VERB) {
      reply?.(encodeReply(this.lifeFor(epochOf(headers))), NO_HEADERS);
      return;
    }
    try {
      const message = this.codec.decodeMessage(verb, body);
      if (this.stopped) throw new NotReachable(this.#options.path, message.type, "it has stopped");
      this.#admit(message.type, this.#options.held === null ? null : epochOf(headers));
      this.#hand(message, headers, reply);
    } catch (thrown) {
      this.#refuse(verb, thrown, reply);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.stopped = true;
    this.#options.onStopped();
    this.#unwatch();
    this.#linger?.cancel();
    for (const served of this.#serving) served.close();
    this.#serving = [];
    this.#options.onClosed();
  }

  #hand(message: Message, headers: Headers, reply: Send | undefined): void {
    const { tracer } = this.#options;
    const trace = traceOf(headers);
    const isAsk = this.codec.isAsk(message.type);
    const slot = isAsk && reply !== undefined ? new WireSlot(message.type, reply, trace, this.#options) : undefined;
    if (trace === null && !tracer.active) this.#deliver(message, slot);
    else tracer.enter(trace, () => this.#deliver(message, slot));
    if (!isAsk) reply?.(encodeReply({}), NO_HEADERS); // told by a client that asks everything: it may know that it arrived
  }

  /** Throws `StaleEpoch`. */
  #admit(type: string, epoch: number | null): void {
    const { held, path } = this.#options;
    if (held === null || epoch === held.epoch) return;
    if (epoch !== null && epoch > held.epoch) held.onLater(epoch);
    throw new StaleEpoch(path, type, epoch, held.epoch);
  }

  #onStopped(): void {
    if (this.#closed) return;
    this.stopped = true;
    this.#options.onStopped();
    if (this.#serving.length === 0) this.close();
    else this.#linger = this.#options.clock.after(LINGER_MS, () => this.close());
  }

  #refuse(verb: string, thrown: unknown, reply: Send | undefined): void {
    const shape = toErrorShape(thrown);
    this.#options.deadLetters.add(this.#options.path, verb, REASONS[shape.code] ?? "bad-message");
    const answer = encodeRefusal(shape);
    reply?.(answer.body, answer.headers);
  }
}
