/** One thing that the master does without being asked, and what it takes to journal it. */
import type { IdSource } from "@castellan/kernel";
import type { OperationVerb, Target } from "@castellan/protocol";
import type { Write } from "@castellan/store";
import { createWrites } from "./journal.ts";
import type { PlanStep } from "./plan.ts";

/** To be committed together, after the master's fence. */
export interface Chore {
  readonly writes: readonly Write[];
  /** Of the operation among the writes; empty when there is none. */
  readonly steps: readonly PlanStep[];
  /** For the log. */
  readonly why: string;
  /** The server that is to take mastership back. */
  readonly handBack?: string;
}

export interface OwnOperation {
  readonly verb: OperationVerb;
  readonly requestId: string;
  readonly target: Target;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly by: string;
  readonly steps: readonly PlanStep[];
  /** When there are no steps. */
  readonly note?: string;
}

export interface OwnOperationDeps {
  readonly epoch: number;
  readonly now: Date;
  readonly newId: IdSource;
}

export function ownOperation(operation: OwnOperation, { epoch, now, newId }: OwnOperationDeps): Write[] {
  const { options = {}, note = null, ...rest } = operation;
  return createWrites({ ...rest, options, note, id: newId(), epoch, now }, newId);
}
