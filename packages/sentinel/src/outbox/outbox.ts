/**
 * The outbox of a server: accepts alerts for good, publishes them in order, and forgets each only when the work-item desk
 * has recorded it. The number and the id of the outbox travel in headers; the public part of the message is a CloudEvent.
 */
import { type Behavior, type CommandOf, type ReplyTo, receive, setup } from "@castellan/actor";
import { type Backoff, backoffMs, CastellanError, ensureError } from "@castellan/kernel";
import type { Outbox, Subjects } from "@castellan/protocol";
import type { SentinelIdentity } from "../ports.ts";
import { draftOf, toMessage } from "./alert-message.ts";
import type { BusPublisher } from "./bus-publisher.ts";
import {
  type Delivery,
  type DeliveryEvent,
  decideDelivery,
  messageIdOf,
  nextToSend,
  startDelivery,
} from "./delivery.ts";
import type { OutboxFile } from "./outbox-file.ts";
import type { OutboxRecord } from "./outbox-record.ts";

export interface OutboxDeps {
  readonly identity: Pick<SentinelIdentity, "node" | "server">;
  readonly subjects: Subjects;
  readonly bus: BusPublisher;
  /** Opens the files; tried again with back-off while the disk refuses. */
  readonly open: () => Promise<OutboxFile>;
}

type Accepting = ReplyTo<{ number: number }>;
type Private =
  | { readonly type: "Opened"; readonly file: OutboxFile }
  | { readonly type: "OpenFailed"; readonly error: Error }
  | { readonly type: "OpenAgain" }
  | { readonly type: "Accepted"; readonly record: OutboxRecord; readonly replyTo: Accepting }
  | { readonly type: "Refused"; readonly error: Error; readonly replyTo: Accepting }
  | { readonly type: "Loaded"; readonly after: number; readonly records: readonly OutboxRecord[] }
  | { readonly type: "Stored" }
  | { readonly type: "Pump" }
  | { readonly type: "Failed"; readonly number: number; readonly round: number; readonly error: Error }
  | { readonly type: "Tick" }
  | { readonly type: "Renewed"; readonly file: OutboxFile; readonly error: Error | null }
  | { readonly type: "Maintained"; readonly error: Error | null };

/** Everything the outbox takes; the public part is `Outbox` of the protocol. */
export type OutboxCommand = CommandOf<typeof Outbox> | Private;

const TICK_MS = 1000;
const OPEN_AGAIN: Backoff = { firstMs: 500, maxMs: 5000 };
const READ_AT_ONCE = 512;

export function createOutbox(deps: OutboxDeps): Behavior<OutboxCommand> {
  return setup<OutboxCommand>((context) => {
    const { clock, rng, log, timers } = context;
    let file: OutboxFile | null = null;
    let delivery: Delivery | null = null;
    let openFailures = 0;
    let openError: Error = new Error("the outbox is being opened");
    let reading = false;
    let maintaining = false;
    let renewing = false;
    let ended = false;
    let loaded = new Map<number, OutboxRecord>();

    const open = (): void =>
      context.pipeToSelf(deps.open(), {
        ok: (opened) => {
          // An outbox opened for a life that has ended in the meantime is of no use to the next one.
          if (ended)
            opened
              .close()
              .catch((thrown: unknown) => log.warn("the outbox was not closed", { error: ensureError(thrown) }));
          return { type: "Opened", file: opened };
        },
        failed: (error) => ({ type: "OpenFailed", error }),
      });

    /** A round of its own for each beginning, so that message ids of the last one are not used again. */
    function begin(from: OutboxFile): void {
      delivery = startDelivery(from, Math.floor(clock.now().getTime() / 1000), clock.bootMs());
      loaded = new Map();
    }

    function apply(event: DeliveryEvent): void {
      if (delivery) delivery = decideDelivery(delivery, event, clock.bootMs(), rng);
    }

    /** Sends as much as may be sent now. */
    function pump(): void {
      if (!file || !delivery) return;
      for (
        let number = nextToSend(delivery, clock.bootMs());
        number !== null;
        number = nextToSend(delivery, clock.bootMs())
      ) {
        const record: OutboxRecord | undefined = file.peek(number) ?? loaded.get(number);
        if (record === undefined) return load(file, number - 1);
        send(file, delivery, record);
      }
      const pauseMs = delivery.pausedUntil - clock.bootMs();
      if (pauseMs > 0) timers.once("pump", pauseMs, { type: "Pump" });
    }

    function send(from: OutboxFile, state: Delivery, record: OutboxRecord): void {
      const { number } = record;
      const { round } = state;
      const message = toMessage(deps, from, record, messageIdOf(state, record));
      loaded.delete(number);
      apply({ type: "sent", number });
      context.pipeToSelf(deps.bus.publish(message), {
        ok: () => ({ type: "Stored" }),
        failed: (error) => ({ type: "Failed", number, round, error }),
      });
    }

    function load(from: OutboxFile, after: number): void {
      if (reading) return;
      reading = true;
      context.pipeToSelf(from.read(after, READ_AT_ONCE), {
        ok: (records) => ({ type: "Loaded", after, records }),
        failed: (error) => {
          log.error("alerts cannot be read back; trying again", { error });
          return { type: "Loaded", after, records: [] };
        },
      });
    }

    function renew(known: OutboxFile, number: number): void {
      if (renewing) return;
      renewing = true;
      log.error("the desk knows alerts this outbox does not: its files are an older copy; it takes a new id", {
        outbox: known.id,
        number,
        last: known.last,
      });
      context.pipeToSelf(known.renew(), {
        ok: () => ({ type: "Renewed", file: known, error: null }),
        failed: (error) => ({ type: "Renewed", file: known, error }),
      });
    }

    open();
    timers.every("tick", TICK_MS, { type: "Tick" });

    return receive<OutboxCommand>(
      {
        Report: ({ phase, alert, reportId }, replyTo) => {
          if (!file) {
            replyTo.refuse(openError instanceof CastellanError ? openError : notOpen(openError));
            return;
          }
          context.pipeToSelf(file.append(draftOf(phase, alert, reportId)), {
            ok: (record) => ({ type: "Accepted", record, replyTo }),
            failed: (error) => ({ type: "Refused", error, replyTo }),
          });
        },
        Confirm: ({ outbox, number }) => {
          if (!file || outbox !== file.id) return;
          if (number > file.last) {
            renew(file, number);
            return;
          }
          file.confirm(number);
          apply({ type: "confirmed", number });
        },
        Resend: ({ outbox, after }) => {
          if (!file || outbox !== file.id) return;
          apply({ type: "missed", after, oldest: file.oldest });
          pump();
        },
        Opened: (message) => {
          file = message.file;
          begin(file);
          openFailures = 0;
          log.info("outbox open", { outbox: file.id, last: file.last, waiting: file.last - file.confirmed });
          if (file.damaged > 0) log.error("alerts were damaged on disk", { damaged: file.damaged });
          pump();
        },
        OpenFailed: ({ error }) => {
          openError = error;
          const againMs = backoffMs(OPEN_AGAIN, openFailures, rng);
          openFailures += 1;
          log.error("the outbox cannot be opened; alerts wait in memory meanwhile", { error, againMs });
          timers.once("open", againMs, { type: "OpenAgain" });
        },
        OpenAgain: open,
        Accepted: ({ record, replyTo }) => {
          replyTo.success({ number: record.number });
          apply({ type: "accepted", last: record.number });
          pump();
        },
        Refused: ({ error, replyTo }) => replyTo.refuse(error instanceof CastellanError ? error : notOpen(error)),
        Loaded: ({ after, records }) => {
          reading = false;
          loaded = new Map(records.map((record) => [record.number, record]));
          const first = records[0]?.number;
          // What lay between is no longer kept: the desk had confirmed it once.
          if (first !== undefined && first > after + 1) apply({ type: "skipped", to: first - 1 });
          if (first !== undefined) pump();
        },
        Stored: () => {
          apply({ type: "stored" });
          pump();
        },
        Pump: pump,
        Failed: ({ number, round, error }) => {
          if (delivery?.failures === 0) log.warn("the bus does not take alerts; trying again", { number, error });
          apply({ type: "failed", number, round });
          pump();
        },
        Tick: () => {
          apply({ type: "tick" });
          pump();
          if (!file || maintaining) return;
          maintaining = true;
          context.pipeToSelf(file.maintain(), {
            ok: () => ({ type: "Maintained", error: null }),
            failed: (error) => ({ type: "Maintained", error }),
          });
        },
        Renewed: ({ file: renewed, error }) => {
          renewing = false;
          if (error) log.error("the outbox cannot take a new id yet", { error });
          else begin(renewed);
          pump();
        },
        Maintained: ({ error }) => {
          maintaining = false;
          if (error) log.debug("the outbox was not tidied up; trying again", { error });
        },
      },
      {
        stopping: async () => {
          ended = true;
          await file?.close();
        },
      },
    );
  });
}

const notOpen = (cause: Error): CastellanError =>
  new CastellanError("OUTBOX_UNWRITABLE", `alerts cannot be accepted: ${cause.message}`, { retryable: true, cause });
