/** What the runtime itself publishes about a system. */
import type { TerminationReason } from "../ref.ts";
import { createTopic } from "./events.ts";

export type DeadLetterReason =
  | "actor-stopped"
  | "mailbox-full"
  | "stash-full"
  | "no-such-actor"
  | "no-handler"
  | "second-reply"
  | "stale-result"
  | "stale-epoch"
  | "bad-message"
  | "too-large"
  | "overload"
  | "transport";

export interface DeadLetter {
  /** Whom it was for. */
  readonly path: string;
  /** The message's type; its content is not kept. */
  readonly type: string;
  readonly reason: DeadLetterReason;
  readonly at: Date;
}

export interface ActorStopped {
  readonly path: string;
  readonly reason: TerminationReason;
}

export interface ActorRestarted {
  readonly path: string;
  /** How often it has been by now. */
  readonly restarts: number;
  readonly error: Error;
}

export const topics = {
  deadLetter: createTopic<DeadLetter>("dead-letter"),
  /** A message for which its actor has no handler: also a dead letter. */
  unhandled: createTopic<DeadLetter>("unhandled"),
  actorStopped: createTopic<ActorStopped>("actor-stopped"),
  actorRestarted: createTopic<ActorRestarted>("actor-restarted"),
} as const;
