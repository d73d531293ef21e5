/**
 * The transport over a NATS connection that it is given and does not close. Subjects are the application's: this file
 * knows only how to ask for them.
 */
import { CastellanError, type Clock, ensureError, type Logger } from "@castellan/kernel";
import { type Msg, type NatsConnection, PermissionViolationError } from "nats";
import { LinkDown } from "../../errors.ts";
import { pathOf } from "../../remote/address.ts";
import type { Address, Headers, OverloadListener, RequestListener, Transport } from "../transport.ts";
import { Correlation } from "./correlation.ts";
import { publishOptions, readHeaders } from "./headers.ts";
import { createIntake } from "./intake.ts";
import { mayAnswer } from "./reply-subject.ts";

/** How addresses become subjects. */
export interface AddressSubjects {
  /** The subject of one verb. */
  of(address: Address, verb: string): string;
  /** The subscription for all verbs. */
  pattern(address: Address): string;
  /** The verb in a subject that `of` made. */
  verbOf(subject: string): string;
}

export interface NatsTransportOptions {
  readonly self: string;
  readonly connection: NatsConnection;
  readonly subjects: AddressSubjects;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Where answers come in, when permissions ask for a prefix of one's own. Default `_INBOX`. */
  readonly inboxPrefix?: string;
}

export function createNatsTransport(options: NatsTransportOptions): Transport {
  const { self, connection, subjects, clock, logger } = options;
  const onError = (error: unknown): void => logger.error("nats subscription failed", { error });
  const onDrainFailed = (error: unknown): void => {
    if (!connection.isClosed()) onError(error);
  };
  const correlation = new Correlation(connection, clock, onError, options.inboxPrefix);
  const listeners = new Set<(up: boolean) => void>();
  const served = new Set<{ close(): void }>();
  let up = !connection.isClosed();
  let closed = false;

  const setUp = (now: boolean): void => {
    if (up === now) return;
    up = now;
    for (const listener of listeners) listener(now);
  };
  const guard = (act: () => void): void => {
    try {
      act();
    } catch (thrown) {
      onError(ensureError(thrown));
    }
  };
  const follow = async (): Promise<void> => {
    for await (const status of connection.status()) {
      if (closed) return;
      if (status.type === "disconnect" || status.type === "close") guard(() => setUp(false));
      else if (status.type === "reconnect") guard(() => setUp(true));
      else if (status.type === "error" && status.error instanceof PermissionViolationError) onRefused(status.error);
    }
  };
  const onRefused = (error: PermissionViolationError): void => {
    if (error.operation !== "publish") return; // a refused subscription is told to its callback
    const refusal = new CastellanError("NOT_PERMITTED", error.message, { details: { subject: error.subject } });
    correlation.refuse(error.subject, refusal);
  };
  const requireLink = (address: Address, verb: string): void => {
    if (closed || !up) throw new LinkDown(pathOf(address), verb);
  };
  // A ref keeps its address: the subjects of each are made and checked once. Few verbs; refs come and go.
  const known = new WeakMap<Address, Map<string, string>>();
  const subjectOf = (address: Address, verb: string): string => {
    let verbs = known.get(address);
    if (verbs === undefined) {
      verbs = new Map();
      known.set(address, verbs);
    }
    let subject = verbs.get(verb);
    if (subject === undefined) {
      subject = subjects.of(address, verb);
      verbs.set(verb, subject);
    }
    return subject;
  };
  const answer = (reply: string, body: Uint8Array, headers: Headers): void => {
    try {
      connection.publish(reply, body, publishOptions(headers));
    } catch (thrown) {
      onError(ensureError(thrown));
    }
  };
  /** A reply subject that is nobody's inbox counts as none. */
  const receive = (message: Msg, onRequest: RequestListener): void => {
    const verb = subjects.verbOf(message.subject);
    const { reply } = message;
    const headers = readHeaders(message.headers);
    if (reply === undefined || !mayAnswer(reply, message.subject)) onRequest(verb, message.data, headers);
    else onRequest(verb, message.data, headers, (body, answerHeaders) => answer(reply, body, answerHeaders));
  };

  interface Incoming {
    readonly message: Msg;
    readonly onRequest: RequestListener;
  }
  // A throw in here would end the client's reader and leave a connection that looks alive.
  const handle = ({ message, onRequest }: Incoming): void => guard(() => receive(message, onRequest));
  const intake = createIntake(handle, () => clock.bootMs());
  const takeIn = (message: Msg, onRequest: RequestListener, onOverload?: OverloadListener): void => {
    if (intake.take({ message, onRequest }, message.data.length)) return;
    receive(message, (verb, _body, _headers, reply) => onOverload?.(verb, reply));
  };

  /** What came before the doors were closed is refused, and the answers leave, before the caller ends the connection. */
  const leave = async (): Promise<void> => {
    await connection.flush();
    await intake.emptied();
    await connection.flush();
  };

  follow().catch(onError);
  return {
    self,
    get up() {
      return up && !closed;
    },
    serve(address, onRequest, onOverload) {
      const subscription = connection.subscribe(subjects.pattern(address), {
        callback: (error, message) => {
          if (error) onError(error);
          else guard(() => takeIn(message, onRequest, onOverload));
        },
      });
      const serving = {
        close: (): void => {
          served.delete(serving);
          // What is already on its way here still comes, to be refused instead of lost: its sender may try elsewhere.
          if (!connection.isClosed()) subscription.drain().catch(onDrainFailed);
        },
      };
      served.add(serving);
      return serving;
    },
    send(address, verb, body, headers) {
      requireLink(address, verb);
      connection.publish(subjectOf(address, verb), body, publishOptions(headers));
    },
    request(address, verb, body, headers, timeoutMs) {
      return correlation.ask(address, verb, timeoutMs, (reply) => {
        requireLink(address, verb);
        const subject = subjectOf(address, verb);
        connection.publish(subject, body, publishOptions(headers, reply));
        return subject;
      });
    },
    onLink(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close(deadlineMs) {
      if (closed) return;
      closed = true;
      for (const serving of served) serving.close();
      correlation.close();
      if (connection.isClosed() || !up) return;
      const deadline = new Promise<void>((resolve) => {
        const timer = clock.after(deadlineMs, resolve);
        void leave()
          .then(() => timer.cancel(), onError)
          .finally(resolve);
      });
      await deadline;
    },
  };
}
