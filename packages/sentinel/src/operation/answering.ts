/** How the conductor answers who asks it. */
import type { ReplyTo } from "@castellan/actor";
import { CastellanError } from "@castellan/kernel";

export type Answer = <T>(
  replyTo: ReplyTo<T>,
  work: () => Promise<T>,
  onRefused?: (refusal: CastellanError) => void,
) => Promise<void>;

/** Refuses what is expected to go wrong, and everything once `isDeposed`; a defect is thrown on. */
export function createAnswer(isDeposed: () => boolean): Answer {
  return async (replyTo, work, onRefused) => {
    try {
      if (isDeposed()) throw notMaster();
      replyTo.success(await work());
    } catch (thrown) {
      if (!(thrown instanceof CastellanError)) throw thrown;
      onRefused?.(thrown);
      replyTo.refuse(thrown);
    }
  };
}

export function notMaster(): CastellanError {
  return new CastellanError("NOT_MASTER", "this sentinel is not master any more; ask again", { retryable: true });
}
