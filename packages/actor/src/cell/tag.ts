/** How a message came: rides beside it through the mailbox. A plain tell has no tag, and pays for none. */
import type { Trace } from "../observe/trace.ts";
import type { AnyRef, AskSlot, TerminationReason } from "../ref.ts";
import type { TimerTag } from "./cell-timers.ts";

/** Told by somebody who handles a traced message. */
export interface ToldTag {
  readonly kind: "told";
  readonly trace: Trace;
}

/** An event of a topic that the actor subscribes to. */
export interface EventTag {
  readonly kind: "event";
  readonly trace: Trace | null;
}

/** The actor's own: a piped result, or what came back from a stash and has no tag of its own any more. */
export interface OwnTag {
  readonly kind: "own";
  readonly trace: Trace | null;
}

/** A watched actor's end. */
export interface TerminatedTag {
  readonly kind: "terminated";
  readonly ref: AnyRef;
  readonly reason: TerminationReason;
  /** The life that watched. */
  readonly life: object;
  readonly trace: null;
}

export type Tag = AskSlot | ToldTag | EventTag | OwnTag | TimerTag | TerminatedTag;

/** Messages of the runtime: no mailbox is too full for them, and no policy drops them. */
export const isSystem = (tag: Tag | undefined): boolean =>
  tag !== undefined && (tag.kind === "timer" || tag.kind === "terminated" || tag.kind === "own");
