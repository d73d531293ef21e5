/** What a guardian answers itself, without its actors' help. */
import type { ActorRef, ReplyTo } from "@castellan/actor";
import { CastellanError, type Clock, ensureError, type IdSource, toErrorShape } from "@castellan/kernel";
import type { Subjects } from "@castellan/protocol";
import { type ProcessTableCommand, testEvents } from "@castellan/sentinel";
import type { LateBus } from "../bus/late-bus.ts";
import { loopbackBus } from "../bus/loopback-bus.ts";

const COUNT_MS = 5000;
/** For the event self-test; who asks for it waits 10 s. */
const LOOPBACK_MS = 8000;

/** Hands an answer on, or the refusal. */
export function forward<R>(answer: Promise<R>, replyTo: ReplyTo<R>): void {
  answer.then(
    (said) => replyTo.success(said),
    (thrown: unknown) => replyTo.refuse(toErrorShape(thrown)),
  );
}

/** Rejects with PROCESSES_RUNNING (retryable), naming some. */
export async function refuseWhileRunning(processes: ActorRef<ProcessTableCommand>, server: string): Promise<void> {
  const { active } = await processes.ask<"GetCounts">({ type: "GetCounts" }, { timeoutMs: COUNT_MS });
  if (active.length === 0) return;
  const named = active.slice(0, 5).join(", ");
  const more = active.length > 5 ? ` and ${active.length - 5} more` : "";
  throw new CastellanError(
    "PROCESSES_RUNNING",
    `on ${server} there run ${named}${more}: stop them first (castellan stop)`,
    { retryable: true, details: { active: active.slice(0, 50) } },
  );
}

export function answerEventTest(
  deps: {
    readonly bus: Pick<LateBus, "connection">;
    readonly subjects: Subjects;
    readonly server: string;
    readonly clock: Clock;
    readonly newId: IdSource;
  },
  replyTo: ReplyTo<{ tookMs: number }>,
): void {
  const { bus, subjects, server, clock, newId } = deps;
  const { connection } = bus;
  if (connection === null) {
    replyTo.refuse(new CastellanError("EVENTS_FAIL", "there is no connection to the bus", { retryable: true }));
    return;
  }
  const subject = subjects.build({ kind: "loopback", server });
  testEvents({ bus: loopbackBus(connection), subject, clock, newId, withinMs: LOOPBACK_MS }).then(
    (tookMs) => replyTo.success({ tookMs }),
    (thrown: unknown) => replyTo.refuse(new CastellanError("EVENTS_FAIL", ensureError(thrown).message)),
  );
}
