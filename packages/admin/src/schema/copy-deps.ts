/** What it takes to fill a schema, from wherever. */
import type { Clock, IdSource } from "@castellan/kernel";
import type { Progress } from "@castellan/store/copy";
import type { AdminContext } from "../context.ts";

export interface CopyDeps {
  readonly onProgress?: (progress: Progress) => void;
  readonly clock: Clock;
  readonly newId: IdSource;
  readonly who: Pick<AdminContext, "user" | "station" | "command">;
}
