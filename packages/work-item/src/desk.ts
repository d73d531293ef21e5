/**
 * The work-item desk. Lives on the master while its epoch lasts: takes alerts off the bus in batches, users' actions one
 * by one, all in the order they arrive, and after each commit tells the outboxes what they may forget.
 */
import { type ActorRef, type Asking, type Behavior, type CommandOf, receive, setup } from "@castellan/actor";
import { type Backoff, backoffMs, CastellanError, ensureError } from "@castellan/kernel";
import type { Desk, Outbox, Subjects } from "@castellan/protocol";
import type { Gateway } from "@castellan/store";
import { type BatchResult, createDeskBook, Deposed } from "./desk-book.ts";
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
  | { readonly type: "HistoryFailed"; readonly error: Error };

/** Everything the desk takes; the public part is `Desk` of the protocol, `Deliver` comes from the feed of its own server. */
export type DeskCommand = CommandOf<typeof Desk> | Deliver | Private;

const DELIVER_MS = 20_000;
const RETRY: Backoff = { firstMs: 200, maxMs: 5000 };

/** How a feed hands over a batch: resolves when it is recorded and may be acknowledged. */
export function deliverTo(desk: ActorRef<DeskCommand>): (deliveries: readonly AlertDelivery[]) => Promise<void> {
  return async (deliveries) => {
    await desk.ask({ type: "Deliver", deliveries }, { timeoutMs: DELIVER_MS });
  };
}

export function createDesk(deps: DeskDeps): Behavior<DeskCommand> {
  return setup<DeskCommand>((context) => {
    const { clock, log, rng, self, timers } = context;
    const book = createDeskBook({ gateway: deps.gateway, epoch: deps.epoch, clock, log });
    const history = {
      gateway: deps.gateway,
      book,
      bus: deps.bus,
      subjects: deps.subjects,
      identity: deps.identity,
      log,
    };
    let deposed = false;
    let publishing: "idle" | "busy" | "again" = "idle";
    let failures = 0;

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

    self.tell({ type: "PublishHistory" }); // what the last master did not get to

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
      Release: async ({ caseNumber, by, note }, replyTo) => {
        try {
          const item = await book.release(caseNumber, by, note ?? null);
          publish();
          replyTo.success({ caseNumber, state: item.state });
        } catch (thrown) {
          replyTo.refuse(refusalOf(thrown));
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
