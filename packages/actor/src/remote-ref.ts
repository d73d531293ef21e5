/** A ref by public name. Finds the actor anew for each message: in this system if it is exposed here, else over the transport. */
import { CastellanError, type Clock, ensureError } from "@castellan/kernel";
import type { AskTable, Settle } from "./ask-table.ts";
import type { DeadLetterBox } from "./dead-letters.ts";
import { NotReachable } from "./errors.ts";
import type { ExposedActor } from "./exposed-actor.ts";
import type { Message } from "./message.ts";
import { type AskOptions, type AskSlot, type ErasedRef, type TerminationReason, WATCH } from "./ref.ts";
import { pathOf, type Registry } from "./registry.ts";
import { watchRemote } from "./remote-watch.ts";
import type { Address, Answer, Transport } from "./transport/transport.ts";
import { type Codec, encodeMessage, NO_HEADERS } from "./wire.ts";

export interface RemoteRefOptions {
  readonly address: Address;
  readonly codec: Codec;
  readonly registry: Registry;
  readonly transport: Transport | undefined;
  readonly clock: Clock;
  readonly asks: AskTable;
  readonly deadLetters: DeadLetterBox;
  readonly encodeLocally: boolean;
}

export class RemoteRef implements ErasedRef {
  readonly path: string;
  readonly #options: RemoteRefOptions;

  constructor(options: RemoteRefOptions) {
    this.path = pathOf(options.address);
    this.#options = options;
  }

  tell(message: Message): void {
    const { address, codec, registry, transport, deadLetters, encodeLocally } = this.#options;
    const exposed = registry.find(this.path);
    try {
      const verb = this.#verb(message);
      if (exposed !== undefined && !encodeLocally) exposed.deliver(message, undefined);
      else if (exposed !== undefined) exposed.receive(verb, encodeMessage(message), undefined);
      else if (transport === undefined) deadLetters.add(this.path, message.type, "no-such-actor");
      else transport.send(address, verb, encodeMessage(message), NO_HEADERS);
    } catch (thrown) {
      const tooLarge = thrown instanceof CastellanError && thrown.code === "TOO_LARGE";
      const foreign = codec.verb(message.type) === undefined;
      deadLetters.add(this.path, message.type, tooLarge ? "too-large" : foreign ? "no-handler" : "transport");
    }
  }

  ask(message: Message, { timeoutMs }: AskOptions): Promise<never> {
    const { address, codec, registry, transport, asks, encodeLocally } = this.#options;
    const { type } = message;
    const exposed = registry.find(this.path);
    try {
      const verb = this.#verb(message);
      if (exposed !== undefined) {
        const deliver = encodeLocally ? this.#throughBytes(exposed, verb, message) : undefined;
        return asks.open(this.path, type, timeoutMs, deliver ?? ((slot) => exposed.deliver(message, slot)));
      }
      if (transport === undefined) return Promise.reject(new NotReachable(this.path, type));
      const answer = transport.request(address, verb, encodeMessage(message), NO_HEADERS, timeoutMs);
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

  #verb(message: Message): string {
    const verb = this.#options.codec.verb(message.type);
    if (verb !== undefined) return verb;
    throw new CastellanError("NOT_PUBLIC", `${message.type} is not a public message of ${this.path}`);
  }

  #throughBytes(exposed: ExposedActor, verb: string, message: Message): (slot: AskSlot) => void {
    const body = encodeMessage(message);
    const { codec } = this.#options;
    return (slot) =>
      exposed.receive(verb, body, (reply, headers) => {
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
