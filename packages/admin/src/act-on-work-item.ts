/** What a person does with a work item or a dead letter. The desk on the master decides, records and audits it. */
import type { AskOf } from "@castellan/actor";
import { CastellanError, sleep } from "@castellan/kernel";
import { Desk, type WorkItemReply } from "@castellan/protocol";
import type { AdminContext } from "./context.ts";
import { remoteActors } from "./remote-actors.ts";

type Ask = AskOf<typeof Desk>;
type Who = Pick<Ask, "by" | "station" | "requestId">;
type WithoutWho<A> = A extends unknown ? Omit<A, keyof Who> : never;

/** `{ type: "Forward", caseNumber: 12, to: { queue: "storage" } }` and the like: see the messages of `Desk`. */
export type WorkItemAction = WithoutWho<Extract<Ask, { readonly caseNumber: number }>>;

export interface ActOptions {
  /** Give the same one to make sure that a repeated call is the same action. Default: a new one. */
  readonly requestId?: string;
  /** How long to look for a desk that answers, milliseconds. Default 10,000. */
  readonly timeoutMs?: number;
}

/** How long one attempt waits for an answer, and the pause before the next. */
const ATTEMPT_MS = 3000;
const PAUSE_MS = 200;

/**
 * Resolves when it is recorded. Sent again under the same id until the desk answers: it is done once. Rejects with the
 * refusals of `Desk`, with NOT_REACHABLE without a master, TIMED_OUT when one may have heard it and none answered.
 */
export async function actOnWorkItem(
  ctx: AdminContext,
  action: WorkItemAction,
  options: ActOptions = {},
): Promise<WorkItemReply> {
  const message = { ...action, ...whoOf(ctx, options) };
  const desk = remoteActors(ctx).remote(Desk, { host: "master" });
  return untilAnswered(ctx, options, (timeoutMs) => desk.ask(message, { timeoutMs }));
}

/** Applies an alert that was kept as a dead letter; answers the case it belongs to. Refused NO_SUCH_LETTER, STILL_DEAD. */
export async function retryDeadLetter(
  ctx: AdminContext,
  id: string,
  options: ActOptions = {},
): Promise<{ readonly id: string; readonly caseNumber: number | null }> {
  const message = { type: "RetryDeadLetter" as const, id, ...whoOf(ctx, options) };
  const desk = remoteActors(ctx).remote(Desk, { host: "master" });
  return untilAnswered(ctx, options, (timeoutMs) => desk.ask(message, { timeoutMs }));
}

const whoOf = (ctx: AdminContext, { requestId }: ActOptions): Who => ({
  by: ctx.user,
  station: ctx.station.slice(0, 64),
  requestId: requestId ?? ctx.newId(),
});

async function untilAnswered<R>(
  { clock }: AdminContext,
  { timeoutMs = 10_000 }: ActOptions,
  ask: (timeoutMs: number) => Promise<R>,
): Promise<R> {
  const deadline = clock.bootMs() + timeoutMs;
  for (;;) {
    try {
      return await ask(Math.max(1, Math.min(ATTEMPT_MS, deadline - clock.bootMs())));
    } catch (thrown) {
      const again = thrown instanceof CastellanError && (thrown.retryable || thrown.code === "ASK_TIMEOUT");
      if (!again || deadline - clock.bootMs() <= PAUSE_MS) throw thrown;
    }
    await sleep(clock, PAUSE_MS);
  }
}
