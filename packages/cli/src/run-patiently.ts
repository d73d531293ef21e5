/** An operation that others are in the way of: theirs is followed to its end first. */
import type { AdminContext } from "@castellan/admin";
import { CastellanError } from "@castellan/kernel";
import type { CommandVerb, OperationReport, Target } from "@castellan/protocol";
import { followOperation, type RunOptions, runOperation } from "./commands/operation.ts";
import type { Invocation } from "./invocation.ts";

/** So often others may come first. */
const MOST_OTHERS = 20;

/**
 * The last report of the operation that was asked for: the same command twice at once is done twice, whoever comes first. Rejects
 * as `runOperation` and `followOperation` do, and BUSY when others always come first.
 */
export async function runPatiently(
  invocation: Pick<Invocation, "io" | "json" | "timeoutMs">,
  ctx: AdminContext,
  verb: CommandVerb,
  target: Target,
  how: RunOptions = {},
): Promise<OperationReport> {
  for (let others = 0; ; others += 1) {
    try {
      return await runOperation(invocation, ctx, verb, target, how);
    } catch (thrown) {
      const { operationId } = thrown instanceof CastellanError && thrown.code === "BUSY" ? thrown.details : {};
      if (typeof operationId !== "string" || others >= MOST_OTHERS) throw thrown;
      await followOperation(invocation, ctx, operationId, how.signal, how.isVain);
    }
  }
}
