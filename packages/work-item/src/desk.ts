/**
 * The work-item desk. Lives on the master while its epoch lasts: takes alerts off the bus in batches, users' actions one
 * by one, all in the order they arrive, and after each commit tells the outboxes what they may forget. In between it looks
 * for items that nobody has acknowledged in time.
 */
import {
  type ActorRef,
  type Asking,
  type Behavior,
  type CommandOf,
  type ReplyTo,
  receive,
  setup,
} from "@castellan/actor";
import { type Backoff, backoffMs, CastellanError, ensureError } from "@castellan/kernel";
import type { Desk, Outbox, Subjects, WorkItemReply } from "@castellan/protocol";
import type { Gateway } from "@castellan/store";
import { workItemReport } from "@castellan/store/work-item";
import type { Action } from "./action-decision.ts";
import { cachedQueues } from "./cached-queues.ts";
import { createDeskActions } from "./desk-actions.ts";
import { type BatchResult, createDeskBook } from "./desk-book.ts";
import { Deposed, fencedCommit } from "./fenced-commit.ts";
import { publishHistory } from "./history-publisher.ts";
import type { AlertDelivery, EventBus } from "./ports.ts";

export interface DeskDeps {
  /** The epoch of this master; every write is refused once it is over. */
  readonly epoch: number;
  readonly identity: { readonly node: string; readonly server: string };
  readonly gateway: Gateway;
  readonly subjects: Subjects;
  readonly bus: EventBus;
  /** The outbox of a server. */
  readonly outboxOf: (server: string) => ActorRef<CommandOf<typeof Outbox>>;
  /** The epoch is over: end this desk. Called once. */
  readonly onDeposed: () => void;
}

type Deliver = Asking<
  { readonly type: "Deliver"; readonly deliveries: readonly AlertDelivery[] },
  { readonly applied: number; readonly deadLetters: number }
>;
type Private =
  | { readonly type: "PublishHistory" }
  | { readonly type: "HistoryPublished"; readonly more: boolean }
  | { readonly type: "HistoryFailed"; readonly error: Error }
  | { readonly type: "LookForLate" }
  | { readonly type: "Act" };

/** Everything the desk takes; the public part is `Desk` of the protocol, `Deliver` comes from the feed of its own server. */
export type DeskCommand = CommandOf<typeof Desk> | Deliver | Private;

const DELIVER_MS = 20_000;
const RETRY: Backoff = { firstMs: 200, maxMs: 5000 };
/** How long after its deadline an item may escalate, milliseconds. */
const LATE_MS = 5000;
/** Actions that are written in one commit. */
const AT_ONCE = 100;
const MOST_WAITING = 2000;

/** How a feed hands over a batch: resolves when it is recorded and may be acknowledged. */
export function deliverTo(desk: ActorRef<DeskCommand>): (deliveries: readonly AlertDelivery[]) => Promise<void> {
  return async (deliveries) => {
    await desk.ask({ type: "Deliver", deliveries }, { timeoutMs: DELIVER_MS });
  };
}

export function createDesk(deps: DeskDeps): Behavior<DeskCommand> {
  return setup<DeskCommand>((context) => {
    const { clock, log, newId, rng, self, timers } = context;
    const { bus, gateway, identity, subjects } = deps;
    const commit = fencedCommit(gateway, deps.epoch);
    const queues = cachedQueues(gateway, clock);
    const book = createDeskBook({ gateway, commit, queues, clock, log });
    const actions = createDeskActions({ gateway, commit, book, queues, clock, newId });
    const history = { gateway, commit, bus, subjects, identity, clock, log };
    const waiting: { readonly action: Action; readonly replyTo: ReplyTo<WorkItemReply> }[] = [];
    let deposed = false;
    let publishing: "idle" | "busy" | "again" = "idle";
    let failures = 0;
    let lateFailures = 0;

    /** What a failed commit is answered with. */
    function refusalOf(thrown: unknown): CastellanError {
      if (thrown instanceof Deposed && !deposed) {
        deposed = true;
        log.warn("another master rules; this desk ends", { epoch: deps.epoch });
        deps.onDeposed();
      }
      if (thrown instanceof CastellanError) return thrown;
      const cause = ensureError(thrown);
      log.error("the desk failed", { error: cause });
      return new CastellanError("DESK_FAILED", cause.message, { retryable: true, cause });
    }

    function tellOutboxes({ confirmed, missing }: BatchResult): void {
      for (const { origin, outbox, number } of confirmed) {
        deps.outboxOf(origin).tell({ type: "Confirm", outbox, number });
      }
      for (const { origin, outbox, number } of missing) {
        log.info("alerts are missing; asking the outbox for them", { origin, outbox, after: number });
        deps.outboxOf(origin).tell({ type: "Resend", outbox, after: number });
      }
    }

    function publish(): void {
      if (deposed) return;
      if (publishing !== "idle") {
        publishing = "again";
        return;
      }
      publishing = "busy";
      context.pipeToSelf(publishHistory(history), {
        ok: (more) => ({ type: "HistoryPublished", more }),
        failed: (error) => ({ type: "HistoryFailed", error }),
      });
    }

    /** Whoever comes while something is written waits here, and goes together with the others that came. */
    function act(action: Action, replyTo: ReplyTo<WorkItemReply>): void {
      if (waiting.length >= MOST_WAITING) {
        replyTo.refuse(new CastellanError("BUSY", `${waiting.length} actions wait already`, { retryable: true }));
        return;
      }
      if (waiting.length === 0) self.tell({ type: "Act" });
      waiting.push({ action, replyTo });
    }

    async function actTogether(): Promise<void> {
      const batch = waiting.splice(0, AT_ONCE);
      if (waiting.length > 0) self.tell({ type: "Act" });
      const answers = await actions.actAll(batch.map(({ action }) => action));
      if (answers.some((answer) => "changed" in answer && answer.changed)) publish();
      for (const [at, { replyTo }] of batch.entries()) {
        const answer = answers[at];
        if (answer === undefined || answer instanceof Error) replyTo.refuse(refusalOf(answer));
        else {
          const { changed, item } = answer;
          const { case_number: caseNumber, state } = item;
          replyTo.success({ caseNumber, state, changed, item: workItemReport(item, clock.now()) });
        }
      }
    }

    self.tell({ type: "PublishHistory" }); // what the last master did not get to
    timers.every("late", LATE_MS, { type: "LookForLate" });

    return receive<DeskCommand>({
      Deliver: async ({ deliveries }, replyTo) => {
        try {
          const result = await book.apply(deliveries);
          tellOutboxes(result);
          if (result.deadLetters > 0)
            log.error("alerts were kept as dead letters", { deadLetters: result.deadLetters });
          if (result.applied > 0) publish();
          replyTo.success({ applied: result.applied, deadLetters: result.deadLetters });
        } catch (thrown) {
          replyTo.refuse(refusalOf(thrown));
        }
      },
      Open: act,
      Keep: act,
      Undo: act,
      BreakLock: act,
      Release: act,
      Forward: act,
      Note: act,
      Acknowledge: act,
      Assign: act,
      Silence: act,
      RetryDeadLetter: async ({ id, ...who }, replyTo) => {
        try {
          const caseNumber = await actions.retry({ id, ...who });
          publish();
          replyTo.success({ id, caseNumber });
        } catch (thrown) {
          replyTo.refuse(refusalOf(thrown));
        }
      },
      Act: actTogether,
      LookForLate: async () => {
        if (deposed) return;
        try {
          if ((await actions.escalate()) > 0) publish();
          lateFailures = 0;
        } catch (thrown) {
          const error = refusalOf(thrown);
          if (lateFailures === 0) log.warn("late work items cannot be escalated now; trying again", { error });
          lateFailures += 1;
        }
      },
      PublishHistory: publish,
      HistoryPublished: ({ more }) => {
        failures = 0;
        const again = more || publishing === "again";
        publishing = "idle";
        if (again) publish();
      },
      HistoryFailed: ({ error }) => {
        publishing = "idle";
        if (error instanceof Deposed) {
          refusalOf(error);
          return;
        }
        const againMs = backoffMs(RETRY, failures, rng);
        if (failures === 0) log.warn("work-item events cannot be published yet; trying again", { againMs, error });
        failures += 1;
        timers.once("history", againMs, { type: "PublishHistory" });
      },
    });
  });
}
