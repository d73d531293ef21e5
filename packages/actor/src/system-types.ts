/** The face of an actor system. */
import type { Clock, IdSource, Logger, Rng } from "@castellan/kernel";
import type { Behavior } from "./behavior.ts";
import type { SpawnOptions } from "./context.ts";
import type { DeadLetters } from "./dead-letters.ts";
import type { Message } from "./message.ts";
import type { CommandOf, Protocol } from "./protocol.ts";
import type { ActorRef } from "./ref.ts";
import type { Transport } from "./transport/transport.ts";

export interface ActorSystemOptions {
  /** Name of this system in addresses: a lower-case token. */
  readonly host: string;
  /** How other systems are reached; absent = there are none. The system does not close it. */
  readonly transport?: Transport;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly logger: Logger;
  readonly newId: IdSource;
  /** Sends messages through JSON even to exposed actors of this system, so that what cannot travel fails in tests. */
  readonly encodeLocally?: boolean;
  /** A top-level actor failed beyond its supervision; the system is stopping because of it. */
  readonly onDefect?: (error: Error, path: string) => void;
  /** How long an actor may take to end (handler in hand, `stopping`) before it is left behind. Default 5,000 ms. */
  readonly actorStopMs?: number;
}

export type ActorState = "starting" | "running" | "busy" | "restarting" | "stopping" | "stopped";

/** A live actor, for people who look at a running system. */
export interface ActorNode {
  readonly path: string;
  /** `busy`: a handler's promise is pending. */
  readonly state: ActorState;
  readonly restarts: number;
  /** Messages waiting. */
  readonly mailbox: number;
  readonly children: readonly ActorNode[];
}

/** An actor's public name. */
export interface Exposure {
  /** Takes the name back; asks in flight are still answered. */
  close(): void;
}

export interface ExposeOptions {
  /** A second host name under which it answers as well, for example "master". */
  readonly as?: string;
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
  readonly deadLetters: DeadLetters;
  /** The live top-level actors with their children. */
  tree(): ActorNode[];
  /** Ends all actors in reverse order of their start, then the exposures. Idempotent; never rejects. */
  stop(deadlineMs: number): Promise<void>;
}
