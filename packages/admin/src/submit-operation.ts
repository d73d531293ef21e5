/** Hands an administrator's request to the node. Sent again under the same id until somebody answers: it happens once. */
import { CastellanError, sleep } from "@castellan/kernel";
import {
  CommandReply,
  CommandRequest,
  type CommandVerb,
  createSubjects,
  decodeBody,
  encodeBody,
  type Target,
} from "@castellan/protocol";
import { auditRow } from "./audit.ts";
import { type AdminContext, requireBus } from "./context.ts";

export interface SubmitOptions {
  /** Give the same one to make sure that a repeated call is the same operation. Default: a new one. */
  readonly requestId?: string;
  readonly options?: Readonly<Record<string, unknown>>;
  /** How long to look for a master that answers, milliseconds. Default 10,000. */
  readonly timeoutMs?: number;
  /** Asked when nobody answers: true, and it is given up at once. Default: never. */
  readonly isVain?: () => Promise<boolean>;
}

/** What a master does by itself: it ends soon. */
const OWN_VERBS: ReadonlySet<string> = new Set(["follow", "move", "boot", "catch_up"]);
/** A master that has just ended, or whose conductor has: there will be another, which has the request once. */
const MASTER_CHANGES: ReadonlySet<string> = new Set(["NOT_MASTER", "NOT_REACHABLE"]);
/** How long one attempt waits for an answer, and the pause before the next. */
const ATTEMPT_MS = 2000;
const PAUSE_MS = 200;

/**
 * Resolves when the operation is journaled: it will be carried out whatever dies. Refused with the planner's code
 * (UNKNOWN_TYPE, DEPENDENCY_NOT_RUNNING, BUSY, ...); what passes by itself, a change of master or something that the master sees
 * to without being asked, is waited for. NOT_REACHABLE: no master listened; TIMED_OUT: one may have heard it,
 * and none answered.
 */
export async function submitOperation(
  ctx: AdminContext,
  verb: CommandVerb,
  target: Target,
  submit: SubmitOptions = {},
): Promise<{ readonly operationId: string }> {
  const requestId = submit.requestId ?? ctx.newId();
  const request = CommandRequest.parse({ requestId, target, by: ctx.user, options: submit.options ?? {} });
  await ctx.gateway.commit([auditRow(ctx, `operation.${verb}`, { requestId, target, options: request.options })]);
  const deadline = ctx.clock.bootMs() + (submit.timeoutMs ?? 10_000);
  for (;;) {
    const reply = await send(ctx, verb, encodeBody(request), deadline, submit.isVain);
    const checked = CommandReply.safeParse(reply);
    if (!checked.success) throw new CastellanError("BAD_REPLY", "the master's answer cannot be understood");
    if ("operationId" in checked.data) return { operationId: checked.data.operationId };
    const { code, message, retryable, details } = checked.data.error;
    const passes = MASTER_CHANGES.has(code) || (code === "BUSY" && OWN_VERBS.has(String(details["verb"])));
    const isLate = deadline - ctx.clock.bootMs() <= PAUSE_MS;
    if (!passes || isLate) throw new CastellanError(code, message, { retryable, details });
    await sleep(ctx.clock, PAUSE_MS);
  }
}

async function send(
  ctx: AdminContext,
  verb: CommandVerb,
  body: Uint8Array,
  deadline: number,
  isVain?: () => Promise<boolean>,
): Promise<unknown> {
  const bus = requireBus(ctx);
  const subject = createSubjects(ctx.node).build({ kind: "command", verb });
  for (;;) {
    const left = deadline - ctx.clock.bootMs();
    try {
      return decodeBody((await bus.request(subject, body, Math.max(1, Math.min(ATTEMPT_MS, left)))).body);
    } catch (thrown) {
      const again =
        thrown instanceof CastellanError && (thrown.code === "NOT_REACHABLE" || thrown.code === "TIMED_OUT");
      if (!again || deadline - ctx.clock.bootMs() <= PAUSE_MS || (await isVain?.())) throw thrown;
    }
    await sleep(ctx.clock, PAUSE_MS);
  }
}
