/** A ref by public name. Finds the actor anew for each message: in this system if it is exposed here, else over the transport. */
import { CastellanError, type Clock, ensureError } from "@castellan/kernel";
import type { AskTable, Settle } from "../ask/ask-table.ts";
import { NotReachable } from "../errors.ts";
import type { Message } from "../message.ts";
import type { DeadLetterBox } from "../observe/dead-letters.ts";
import type { DeadLetterReason } from "../observe/topics.ts";
import type { Tracer } from "../observe/trace.ts";
import { type AskOptions, type AskSlot, type ErasedRef, type TerminationReason, WATCH } from "../ref.ts";
import type { Address, Answer, Headers, Transport } from "../transport/transport.ts";
import { pathOf } from "./address.ts";
import type { ExposedActor } from "./exposed-actor.ts";
import type { Registry } from "./registry.ts";
import { askLife, watchRemote } from "./remote-watch.ts";
import { type Codec, encodeMessage, headersOf, NO_HEADERS } from "./wire.ts";

export interface RemoteRefOptions {
  readonly address: Address;
  readonly codec: Codec;
  /** Messages are for the holder of this epoch; null = for whoever is there. */
  readonly epoch: number | null;
  readonly registry: Registry;
  readonly transport: Transport | undefined;
  readonly clock: Clock;
  readonly asks: AskTable;
  readonly deadLetters: DeadLetterBox;
  readonly tracer: Tracer;
  readonly encodeLocally: boolean;
}

/** Why a message that could not be told is a dead letter. */
const REASONS: Readonly<Record<string, DeadLetterReason>> = {
  TOO_LARGE: "too-large",
  NOT_PUBLIC: "no-handler",
  STALE_EPOCH: "stale-epoch",
  MAILBOX_FULL: "mailbox-full",
};

export class RemoteRef implements ErasedRef {
  readonly path: string;
  readonly #options: RemoteRefOptions;

  constructor(options: RemoteRefOptions) {
    this.path = pathOf(options.address);
    this.#options = options;
  }

  tell(message: Message): void {
    const { address, epoch, registry, transport, deadLetters, encodeLocally } = this.#options;
    const exposed = registry.find(this.path);
    try {
      const verb = this.#verb(message);
      if (exposed !== undefined && !encodeLocally) exposed.deliver(message, undefined, epoch);
      else if (exposed !== undefined) exposed.receive(verb, encodeMessage(message), this.#headers(), undefined);
      else if (transport === undefined) deadLetters.add(this.path, message.type, "no-such-actor");
      else transport.send(address, verb, encodeMessage(message), this.#headers());
    } catch (thrown) {
      const code = thrown instanceof CastellanError ? thrown.code : "";
      deadLetters.add(this.path, message.type, REASONS[code] ?? "transport");
    }
  }

  ask(message: Message, { timeoutMs }: AskOptions): Promise<never> {
    const { address, codec, registry, transport } = this.#options;
    const { type } = message;
    const exposed = registry.find(this.path);
    try {
      const verb = this.#verb(message);
      if (exposed !== undefined) return this.#askHere(exposed, verb, message, timeoutMs);
      if (transport === undefined) return Promise.reject(new NotReachable(this.path, type));
      const answer = transport.request(address, verb, encodeMessage(message), this.#headers(), timeoutMs);
      return decoded(codec, type, answer);
    } catch (thrown) {
      return Promise.reject(ensureError(thrown));
    }
  }

  [WATCH](listener: (reason: TerminationReason) => void): () => void {
    const { address, registry, transport, clock } = this.#options;
    const target = registry.find(this.path)?.ref;
    const local = target?.[WATCH];
    if (target !== undefined && local !== undefined) return local.call(target, listener);
    return watchRemote(clock, transport, address, listener);
  }

  /** Whether somebody takes messages of this ref's epoch there now. */
  async isTaken(): Promise<boolean> {
    const { address, epoch, registry, transport } = this.#options;
    try {
      const life =
        registry.find(this.path)?.lifeFor(epoch) ?? (await askLife(transport, address, headersOf(null, epoch)));
      return !life.stopped && life.epoch === epoch;
    } catch {
      return false; // out of reach, or not in its right mind: to whoever wants to send it is the same
    }
  }

  #askHere(exposed: ExposedActor, verb: string, message: Message, timeoutMs: number): Promise<never> {
    const { asks, encodeLocally, epoch } = this.#options;
    const bytes = encodeLocally ? this.#throughBytes(exposed, verb, message) : undefined;
    const deliver = (slot: AskSlot): void => {
      try {
        exposed.deliver(message, slot, epoch);
      } catch (thrown) {
        if (thrown instanceof CastellanError) slot.undelivered(thrown);
        else slot.defect(ensureError(thrown));
      }
    };
    return asks.open(this.path, message.type, timeoutMs, bytes ?? deliver);
  }

  #headers(): Headers {
    const { epoch, tracer } = this.#options;
    return epoch === null && !tracer.active ? NO_HEADERS : headersOf(tracer.current(), epoch);
  }

  #verb(message: Message): string {
    const verb = this.#options.codec.verb(message.type);
    if (verb !== undefined) return verb;
    throw new CastellanError("NOT_PUBLIC", `${message.type} is not a public message of ${this.path}`);
  }

  #throughBytes(exposed: ExposedActor, verb: string, message: Message): (slot: AskSlot) => void {
    const body = encodeMessage(message);
    const { codec } = this.#options;
    return (slot) =>
      exposed.receive(verb, body, this.#headers(), (reply, headers) => {
        try {
          slot.success(codec.decodeReply(message.type, { body: reply, headers }));
        } catch (thrown) {
          if (thrown instanceof CastellanError) slot.refuse(thrown);
          else slot.defect(ensureError(thrown));
        }
      });
  }
}

/** The reply as its schema read it. */
function decoded(codec: Codec, type: string, answer: Promise<Answer>): Promise<never> {
  return new Promise<never>((resolve, reject) => {
    const settle: Settle = { resolve, reject };
    answer.then((given) => {
      try {
        settle.resolve(codec.decodeReply(type, given));
      } catch (thrown) {
        settle.reject(ensureError(thrown));
      }
    }, reject);
  });
}
