/**
 * Behaviours: what an actor does with its next message. Plain values made by plain functions, so an actor is written
 * as `createX(deps): Behavior<XCommand>` and its state is the closure, or the next behaviour that a handler returns.
 */
import type { ActorContext, ErasedContext } from "./context.ts";
import type { AskTypes, Message, ReplyFor, ReplyTo } from "./message.ts";
import type { AnyRef, TerminationReason } from "./ref.ts";
import type { SupervisionStrategy } from "./supervision.ts";

declare const ACCEPTS: unique symbol;

/** Key of what a behaviour is made of; for the runtime and the testing kit. */
export const IMPL: unique symbol = Symbol("behavior");

/** What an actor of messages `M` does next. Opaque: made by the functions of this file. */
export interface Behavior<in M extends Message> {
  readonly [IMPL]: BehaviorImpl;
  readonly [ACCEPTS]?: (message: M) => void;
}

/** A behaviour whose message types are forgotten. */
export type AnyBehavior = Behavior<never>;

/** What a handler returns: nothing = stay as you are; a promise = the mailbox waits for it. */
// oxlint-disable-next-line typescript/no-invalid-void-type -- a handler without a return statement is the common case
export type Next<B> = B | void | Promise<B | void>;

export interface Signals {
  /** A watched actor is gone. Comes before the message given to `watch`. */
  readonly terminated?: (ref: AnyRef, reason: TerminationReason) => void;
  /** Last call of this behaviour: its children are gone, it is about to end or to be replaced by a fresh one. */
  readonly stopping?: (why: "stopped" | "restarting") => void | Promise<void>;
}

export type Handlers<M extends Message> = {
  readonly [K in M["type"]]: K extends AskTypes<M>
    ? (message: Extract<M, { readonly type: K }>, replyTo: ReplyTo<ReplyFor<M, K>>) => Next<Behavior<M>>
    : (message: Extract<M, { readonly type: K }>) => Next<Behavior<M>>;
};

export type ErasedHandler = (message: Message, replyTo: ReplyTo<unknown>) => Next<AnyBehavior>;

export interface ReceiveImpl {
  readonly kind: "receive";
  readonly handlers: Readonly<Record<string, ErasedHandler>>;
  readonly signals: Signals;
}

export type BehaviorImpl =
  | ReceiveImpl
  | { readonly kind: "setup"; readonly factory: (context: ErasedContext) => AnyBehavior }
  | { readonly kind: "supervise"; readonly behavior: AnyBehavior; readonly strategy: SupervisionStrategy }
  | { readonly kind: "stopped" };

/** Runs `factory` when the actor starts, and again after each restart: whatever it makes is made afresh. */
export function setup<M extends Message>(factory: (context: ActorContext<M>) => Behavior<M>): Behavior<M> {
  return { [IMPL]: { kind: "setup", factory } };
}

/** One handler per message type; the compiler asks for all of them. Handlers of ask messages get a `ReplyTo`. */
export function receive<M extends Message>(handlers: Handlers<M>, signals?: Signals): Behavior<M>;
// The types of the handlers are forgotten here, and only here: the mailbox hands each message to the handler of its type.
export function receive(handlers: Readonly<Record<string, ErasedHandler>>, signals: Signals = {}): AnyBehavior {
  return { [IMPL]: { kind: "receive", handlers: Object.assign(Object.create(null), handlers), signals } };
}

/** Ends the actor that returns it. */
export function stopped<M extends Message>(): Behavior<M> {
  return { [IMPL]: { kind: "stopped" } };
}

/** Says what happens when a handler of `behavior` throws. Of nested strategies the outermost holds. */
export function supervise<M extends Message>(behavior: Behavior<M>, strategy: SupervisionStrategy): Behavior<M> {
  return { [IMPL]: { kind: "supervise", behavior, strategy } };
}
