/**
 * Behaviours: what an actor does with its next message. Plain values made by plain functions, so an actor is written
 * as `createX(deps): Behavior<XCommand>` and its state is the closure, or the next behaviour that a handler returns.
 */
import {
  type ActorContext,
  type AnyBehavior,
  type Behavior,
  type ErasedHandler,
  type Handlers,
  IMPL,
  type Interceptor,
  type Signals,
  type Stash,
} from "./actor.ts";
import type { Message } from "./message.ts";
import type { SupervisionStrategy } from "./supervision.ts";

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

/**
 * Puts `interceptor` around every handler. One given when the actor starts stays around whatever it becomes; one that
 * a handler returns stays until the next behaviour. Of several the outermost is called first.
 */
export function intercept<M extends Message>(behavior: Behavior<M>, interceptor: Interceptor): Behavior<M> {
  return { [IMPL]: { kind: "intercept", behavior, interceptor } };
}

/** Gives `factory` a place for at most `capacity` messages that the actor is not ready for. */
export function withStash<M extends Message>(capacity: number, factory: (stash: Stash) => Behavior<M>): Behavior<M> {
  return { [IMPL]: { kind: "stash", capacity, factory } };
}
