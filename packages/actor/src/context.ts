/** What a behaviour is given to work with. Belongs to one life of the actor: a restart makes a new one. */
import type { Clock, IdSource, Logger, Rng } from "@castellan/kernel";
import type { AnyBehavior, Behavior } from "./behavior.ts";
import type { MailboxOptions } from "./mailbox.ts";
import type { Message } from "./message.ts";
import type { ActorRef, AnyRef, ErasedRef, TerminationReason } from "./ref.ts";
import type { ActorSystem } from "./system-types.ts";

export interface SpawnOptions {
  readonly mailbox?: MailboxOptions;
}

/** Timers by key. They end with the actor and with its restart. */
export interface Timers<in M extends Message> {
  /** Sends `message` to the actor itself after `delayMs`. A timer of the same key is replaced, and never fires. */
  once(key: string, delayMs: number, message: M): void;
  /** The same every `periodMs`. While one tick waits in the mailbox, no second one joins it. */
  every(key: string, periodMs: number, message: M): void;
  cancel(key: string): void;
  /** Whether a firing is still to be handled. */
  has(key: string): boolean;
}

export interface ActorContext<M extends Message> {
  readonly self: ActorRef<M>;
  readonly path: string;
  /** Adds the actor's path to every line. */
  readonly log: Logger;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly newId: IdSource;
  readonly system: ActorSystem;
  readonly timers: Timers<M>;
  /** Starts a child. Throws NAME_TAKEN while one of that name lives, BAD_NAME for other than letters, digits, - _ . */
  spawn<C extends Message>(behavior: Behavior<C>, name: string, options?: SpawnOptions): ActorRef<C>;
  /** Ends a child after the message in its hands; its own children first. What waits becomes dead letters. */
  stop(child: AnyRef): void;
  /** Sends `message` to the actor itself when `ref` is gone (at once if it is gone already). Replaces an earlier watch. */
  watch(ref: AnyRef, message: M | ((reason: TerminationReason) => M)): void;
  unwatch(ref: AnyRef): void;
  /** How asynchronous work comes back without holding up the mailbox. A result for an earlier life is dropped. */
  pipeToSelf<T>(promise: Promise<T>, map: { ok(value: T): M; failed(error: Error): M }): void;
}

/** A context whose message types are forgotten; stands for the context of any messages. */
export interface ErasedContext extends Omit<ActorContext<Message>, "self" | "timers" | "spawn"> {
  readonly self: ErasedRef;
  readonly timers: Timers<Message>;
  spawn(behavior: AnyBehavior, name: string, options?: SpawnOptions): ErasedRef;
}
