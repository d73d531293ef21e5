/** What the parts of a cell know of their surroundings: what all cells of a system share, and the cell they belong to. */
import type { Clock, IdSource, Logger, Rng } from "@castellan/kernel";
import type { ActorSystem, AnyBehavior, SpawnOptions } from "../actor.ts";
import type { AskTable } from "../ask/ask-table.ts";
import type { Message } from "../message.ts";
import type { DeadLetterBox } from "../observe/dead-letters.ts";
import type { Tracer } from "../observe/trace.ts";
import type { AnyRef, AskSlot, ErasedRef, TerminationReason } from "../ref.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { Tag } from "./tag.ts";

export interface CellHost {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly logger: Logger;
  readonly newId: IdSource;
  readonly dispatcher: Dispatcher;
  readonly deadLetters: DeadLetterBox;
  readonly asks: AskTable;
  readonly tracer: Tracer;
  /** How long a handler or a `stopping` signal may hold up the end of its actor, milliseconds. */
  readonly actorStopMs: number;
  readonly system: ActorSystem;
  /** A failure that no actor's supervision took. */
  rootFailed(error: Error, path: string): void;
}

/** Where a ref delivers. */
export interface Target {
  readonly path: string;
  readonly host: CellHost;
  accept(message: Message, tag: AskSlot | undefined): void;
  /** Calls back once when the actor is gone, at once if it is. */
  watch(listener: (reason: TerminationReason) => void): () => void;
}

/** The actor that a context, a stash or a timer belongs to. */
export interface Owner {
  readonly path: string;
  readonly host: CellHost;
  readonly ref: ErasedRef;
  /** A message of the runtime: not bounded. */
  enqueue(message: Message, tag: Tag): void;
  /** An event: bounded like any message, but never a published dead letter. */
  hear(message: Message): void;
  /** A failure that no message brought. */
  defect(error: Error): void;
  spawn(behavior: AnyBehavior, name: string, options?: SpawnOptions): ErasedRef;
  stopChild(child: AnyRef): void;
}
