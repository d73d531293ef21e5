/**
 * What an actor can be sent. A message is plain data with a `type`; a message that expects an answer also carries the
 * type of that answer, as a phantom: a property that exists for the compiler only and is never set.
 */
import type { CastellanError, ErrorShape } from "@castellan/kernel";

/** The phantom key. There is no such property at run time. */
declare const REPLY: unique symbol;

export interface Message {
  readonly type: string;
}

/** Makes an ask message: `Asking<{ type: "GetCount" }, number>` is answered with a number. */
export type Asking<M extends Message, Reply> = M & { readonly [REPLY]?: Reply };

/** The members of `M` that expect no answer. */
export type TellMessages<M> = M extends unknown ? (typeof REPLY extends keyof M ? never : M) : never;

/** The `type`s of the members of `M` that expect an answer. */
export type AskTypes<M> = M extends Message ? (typeof REPLY extends keyof M ? M["type"] : never) : never;

/** What the ask message of type `K` is answered with. */
export type ReplyFor<M, K> = M extends { readonly type: K }
  ? typeof REPLY extends keyof M
    ? M extends { readonly [REPLY]?: infer R }
      ? R
      : never
    : never
  : never;

/** Answers one ask, now or any time later, exactly once: a second answer is dropped and counted as a dead letter. */
export interface ReplyTo<R> {
  success(reply: R): void;
  /** The expected way to say no. A throw is not: that is a defect, and goes to supervision. */
  refuse(error: CastellanError | ErrorShape): void;
}
