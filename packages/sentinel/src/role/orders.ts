/** Orders to take mastership, until they are answered. The same request id is answered alike. */
import type { ReplyOf, ReplyTo } from "@castellan/actor";
import { CastellanError } from "@castellan/kernel";
import type { Sentinel } from "@castellan/protocol";

type Reply = ReplyOf<typeof Sentinel, "TakeMastership">;

export interface Orders {
  /** True: it is a new one, and is to be obeyed. Else it is answered already. */
  accept(requestId: string, replyTo: ReplyTo<Reply>): boolean;
  obeyed(epoch: number): void;
  disobeyed(refusal: CastellanError): void;
}

/** Who orders while an order is under way hears its result; more are refused. */
const MAX_WAITING = 16;

export function createOrders(): Orders {
  const waiting: { readonly requestId: string; readonly replyTo: ReplyTo<Reply> }[] = [];
  let last: { readonly requestId: string; readonly reply: Reply } | null = null;
  return {
    accept(requestId, replyTo) {
      if (last?.requestId === requestId) {
        replyTo.success(last.reply);
        return false;
      }
      if (waiting.length >= MAX_WAITING) {
        replyTo.refuse(notTaken(null));
        return false;
      }
      waiting.push({ requestId, replyTo });
      return true;
    },
    obeyed(epoch) {
      for (const { requestId, replyTo } of waiting.splice(0)) {
        last = { requestId, reply: { epoch } };
        replyTo.success({ epoch });
      }
    },
    disobeyed(refusal) {
      for (const { replyTo } of waiting.splice(0)) replyTo.refuse(refusal);
    },
  };
}

export function notTaken(cause: unknown): CastellanError {
  const why = cause instanceof Error ? cause.message : "another server was faster; look who is master now";
  return new CastellanError("NOT_TAKEN", `mastership was not taken: ${why}`, { retryable: true, cause });
}
