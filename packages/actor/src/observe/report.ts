/** What a running system shows of itself. Plain data that survives JSON: it is also what travels to those who ask. */
import type { DeadLetterReason } from "./topics.ts";

export type ActorState = "starting" | "running" | "busy" | "restarting" | "stopping" | "stopped";

/** A live actor, for people who look at a running system. */
export interface ActorNode {
  readonly path: string;
  /** What sort of actor it is: given when it was spawned, else its name. */
  readonly kind: string;
  /** `busy`: a handler's promise is pending. */
  readonly state: ActorState;
  /** How long it has been in that state, milliseconds. */
  readonly stateMs: number;
  readonly restarts: number;
  /** Messages waiting. */
  readonly mailbox: number;
  /** The most that have ever waited. */
  readonly highWater: number;
  /** Messages its mailbox did not keep. */
  readonly dropped: number;
  /** Messages handled, in all its lives. */
  readonly processed: number;
  readonly children: readonly ActorNode[];
}

export interface SystemReport {
  readonly host: string;
  readonly actors: readonly ActorNode[];
  readonly deadLetters: {
    readonly total: number;
    readonly byReason: Readonly<Partial<Record<DeadLetterReason, number>>>;
  };
}
