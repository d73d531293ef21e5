/** What every cell of one system shares. */
import type { Clock, IdSource, Logger, Rng } from "@castellan/kernel";
import type { AskTable } from "./ask-table.ts";
import type { DeadLetterBox } from "./dead-letters.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { ActorSystem } from "./system-types.ts";

export interface CellHost {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly logger: Logger;
  readonly newId: IdSource;
  readonly dispatcher: Dispatcher;
  readonly deadLetters: DeadLetterBox;
  readonly asks: AskTable;
  /** How long a handler or a `stopping` signal may hold up the end of its actor, milliseconds. */
  readonly actorStopMs: number;
  readonly system: ActorSystem;
  /** A failure that no actor's supervision took. */
  rootFailed(error: Error, path: string): void;
}
