/** The only way to reach an actor. The same whether it lives here or on another host. */
import type { CastellanError } from "@castellan/kernel";
import type { AskTypes, Message, ReplyFor, ReplyTo, TellMessages } from "./message.ts";
import type { Trace } from "./observe/trace.ts";

/** Why a watched actor is gone: it ended, it failed and was not restarted, or nobody answers for it any more. */
export type TerminationReason = "stopped" | "failed" | "unreachable";

/** Key of the operation behind `context.watch`; not for direct use. */
export const WATCH: unique symbol = Symbol("watch");

/** Key of the operation behind `expose`; not for direct use. */
export const DELIVER: unique symbol = Symbol("deliver");

/** The asker's side of one ask. It travels with the message through the mailbox and is handed to the handler. */
export interface AskSlot extends ReplyTo<unknown> {
  readonly kind: "ask";
  /** What the asker was handling when it asked. */
  readonly trace: Trace | null;
  /** The handler broke. */
  defect(error: Error): void;
  /** The actor is gone, or its mailbox full: not acted on. */
  undelivered(error: CastellanError): void;
}

export interface AskOptions {
  /** How long to wait for the answer, milliseconds. There is no default: every wait has a deadline. */
  readonly timeoutMs: number;
}

/** Any ref, for those who only need to name or to watch it. */
export interface AnyRef {
  readonly path: string;
  /** Calls back once when the actor is gone; returns how to stop watching. */
  readonly [WATCH]?: (listener: (reason: TerminationReason) => void) => () => void;
  /** Puts a message into the mailbox, with the slot of its asker if there is one. */
  readonly [DELIVER]?: (message: Message, slot: AskSlot | undefined) => void;
}

/** What can be asked, by message type. */
export type Questions<Q> = { readonly [K in keyof Q]: { readonly message: Message; readonly reply: unknown } };

/** The ask messages of `M` by type, each with its reply. */
export type Asks<M extends Message> = {
  readonly [K in AskTypes<M>]: { readonly message: M & { readonly type: K }; readonly reply: ReplyFor<M, K> };
};

/**
 * A ref of what can be told (`T`) and asked (`Q`). Spelled out like this so that the compiler lets a ref for many
 * messages stand where one for fewer is wanted, and never the other way round.
 */
export interface Ref<in T extends Message, out Q extends Questions<Q>> extends AnyRef {
  /** `/user/orders` here, `{host}/{actor}/{key}` elsewhere. */
  readonly path: string;
  /** Never throws and never waits. What cannot be delivered becomes a dead letter. */
  tell(message: T): void;
  /**
   * Sends and waits for the one answer. Rejects with `AskTimeout` or `NotReachable` (both retryable), with a
   * `CastellanError` of the refusal's code, or with `RemoteError` when the other side has failed.
   */
  ask<K extends keyof Q & string>(
    message: Q[K]["message"] & { readonly type: K },
    options: AskOptions,
  ): Promise<Q[K]["reply"]>;
}

/** A ref to an actor that takes the messages `M`. */
export type ActorRef<M extends Message> = Ref<TellMessages<M>, Asks<M>>;

/**
 * A ref whose message types are forgotten: what the runtime holds. It stands for an `ActorRef` of any messages, since
 * it takes every message and `Promise<never>` is every promise.
 */
export interface ErasedRef extends AnyRef {
  tell(message: Message): void;
  ask(message: Message, options: AskOptions): Promise<never>;
}
