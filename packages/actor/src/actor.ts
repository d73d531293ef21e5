/**
 * What an actor is: its behaviour, what the behaviour is given to work with, and the system it lives in. The three name
 * each other, so they stand in one file; everything else of the package points to it or is pointed to by it.
 */
import type { Clock, IdSource, Logger, Rng } from "@castellan/kernel";
import type { MailboxOptions } from "./cell/mailbox.ts";
import type { EpochPort } from "./cluster/epoch-port.ts";
import type { AskTypes, Message, ReplyFor, ReplyTo } from "./message.ts";
import type { DeadLetters } from "./observe/dead-letters.ts";
import type { EventStream, Topic } from "./observe/events.ts";
import type { ActorNode, SystemReport } from "./observe/report.ts";
import type { Trace, Traces } from "./observe/trace.ts";
import type { CommandOf, Protocol } from "./protocol.ts";
import type { ActorRef, AnyRef, ErasedRef, TerminationReason } from "./ref.ts";
import type { SupervisionStrategy } from "./supervision.ts";

// -- behaviour -------------------------------------------------------------------------------------------------------

declare const ACCEPTS: unique symbol;

/** Key of what a behaviour is made of; for the runtime and the testing kit. */
export const IMPL: unique symbol = Symbol("behavior");

/** What an actor of messages `M` does next. Opaque: made by the functions of `behavior.ts`. */
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
  | { readonly kind: "intercept"; readonly behavior: AnyBehavior; readonly interceptor: Interceptor }
  | { readonly kind: "stash"; readonly capacity: number; readonly factory: (stash: Stash) => AnyBehavior }
  | { readonly kind: "stopped" };

/** Stands around every handler of an actor: for metrics, logs, tracing. */
export interface Interceptor {
  /**
   * Calls `proceed` once and returns what it returned; or does not, and the message is dropped. What the handler throws
   * passes through. May run code after the handler: at once, or on the promise that `proceed` returned.
   */
  receive(message: Message, proceed: () => Next<AnyBehavior>, actor: InterceptedActor): Next<AnyBehavior>;
}

export interface InterceptedActor {
  readonly path: string;
  readonly clock: Clock;
  /** The trace of the message in hand. */
  readonly trace: Trace | null;
}

/** Messages put aside until the actor is ready for them. They belong to one life, and go back to its mailbox with its restart. */
export interface Stash {
  readonly size: number;
  /**
   * Puts the message in hand aside, an ask with its asker. False when the stash is full: then the message is refused as
   * by a full mailbox (an ask gets STASH_FULL). Throws NOTHING_IN_HAND outside a handler, and when called twice in one.
   */
  keep(): boolean;
  /** Puts everything back in front of the mailbox, in the order in which it first came. */
  unstash(): void;
}

// -- context ---------------------------------------------------------------------------------------------------------

export interface SpawnOptions {
  readonly mailbox?: MailboxOptions;
  /** What sort of actor it is, for those who look at the tree. Default: its name. */
  readonly kind?: string;
  /** How long its handler in hand and its `stopping` may hold up its end, milliseconds. Default: the system's. */
  readonly stopMs?: number;
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

/** What a behaviour is given to work with. Belongs to one life of the actor: a restart makes a new one. */
export interface ActorContext<M extends Message> {
  readonly self: ActorRef<M>;
  readonly path: string;
  /** Adds the actor's path, and the trace of the message in hand, to every line. */
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
  /** Events of this system's topic as messages to the actor, until its life ends or the result is called. */
  subscribe<E>(topic: Topic<E>, message: (event: E) => M): () => void;
  /** How asynchronous work comes back without holding up the mailbox. A result for an earlier life is dropped. */
  pipeToSelf<T>(promise: Promise<T>, map: { ok(value: T): M; failed(error: Error): M }): void;
}

/** A context whose message types are forgotten; stands for the context of any messages. */
export interface ErasedContext extends Omit<ActorContext<Message>, "self" | "timers" | "spawn"> {
  readonly self: ErasedRef;
  readonly timers: Timers<Message>;
  spawn(behavior: AnyBehavior, name: string, options?: SpawnOptions): ErasedRef;
}

// -- system ----------------------------------------------------------------------------------------------------------

/** An actor's public name. */
export interface Exposure {
  /** Takes the name back; asks in flight are still answered. */
  close(): void;
}

export interface ExposeOptions {
  /** A second host name under which it answers as well, for example "master". */
  readonly as?: string;
  /** Others may find it by its protocol: see `Receptionist`. */
  readonly listed?: boolean;
  /** Only messages for this epoch come in: see `createSingleton`. */
  readonly held?: HeldEpoch;
}

/** An epoch that is held here. */
export interface HeldEpoch {
  readonly epoch: number;
  /** Somebody knows of a later one: what is exposed does not count any more. */
  readonly onLater: (epoch: number) => void;
}

export interface RemoteAddress {
  readonly host: string;
  /** Default "-": the only one of its kind. */
  readonly key?: string;
}

export interface ActorSystem {
  readonly host: string;
  /** Starts a top-level actor. Throws as `ActorContext.spawn` does, and SYSTEM_STOPPED. */
  spawn<M extends Message>(behavior: Behavior<M>, name: string, options?: SpawnOptions): ActorRef<M>;
  /**
   * Gives an actor the public name {host, protocol.actor, key}; only the protocol's messages reach it from outside.
   * Throws ALREADY_EXPOSED while another live actor has the name. Ends with the actor.
   */
  expose<P extends Protocol>(protocol: P, key: string, ref: ActorRef<CommandOf<P>>, options?: ExposeOptions): Exposure;
  /** A ref to a public name, here or elsewhere. Nobody need be there (yet). */
  remote<P extends Protocol>(protocol: P, address: RemoteAddress): ActorRef<CommandOf<P>>;
  /** Who is exposed as `listed`, on all systems of this network. */
  readonly receptionist: Receptionist;
  /** A ref to the one actor of `protocol` in the cluster, wherever it is hosted now: see `createSingleton`. */
  singleton<P extends Protocol>(protocol: P, options: SingletonRefOptions): SingletonRef<P>;
  readonly deadLetters: DeadLetters;
  /** What happens inside this system, by topic. */
  readonly events: EventStream;
  readonly traces: Traces;
  /** The live top-level actors with their children. */
  tree(): ActorNode[];
  /** The tree and the dead letters, for people who look at a running system. */
  inspect(): SystemReport;
  /** Ends all actors in reverse order of their start, then the exposures. Idempotent; never rejects. */
  stop(deadlineMs: number): Promise<void>;
}

/**
 * Finds actors by what they understand instead of by name. Every system that has some announces them when that changes
 * and every few seconds; only those who look for that protocol listen, so the traffic is one message a system, not one a pair.
 */
export interface Receptionist {
  /**
   * Calls back with the actors of `protocol` known now, and again whenever that changes; ordered by host and key.
   * An actor leaves the listing when its system says so, or has said nothing for three announcements while the link was up.
   */
  subscribe<P extends Protocol>(protocol: P, listener: (listing: Listing<P>) => void): () => void;
  /** The first listing that is not empty; an empty one when none has come within `withinMs`. */
  find<P extends Protocol>(protocol: P, options: { readonly withinMs: number }): Promise<Listing<P>>;
}

export interface SingletonRefOptions {
  /** Default "-". */
  readonly key?: string;
  readonly epochs: EpochPort;
  /** The most messages that wait while nobody holds the epoch. Default 1,000. */
  readonly capacity?: number;
  /** How long a told message waits before it is a dead letter, milliseconds. Default 10,000. An ask waits for its own deadline. */
  readonly holdMs?: number;
}

/**
 * Finds the holder anew with every claim. What cannot be delivered now waits, in order; an ask that was certainly not
 * acted on is sent again until its deadline. One that may have been is not: it ends with `AskTimeout`.
 */
export interface SingletonRef<P extends Protocol> {
  readonly ref: ActorRef<CommandOf<P>>;
  /** Stops following the epoch; what waits becomes dead letters. Ends with the system, too. */
  close(): void;
}

/** Refs by path. */
export type Listing<P extends Protocol> = ReadonlyMap<string, ActorRef<CommandOf<P>>>;
