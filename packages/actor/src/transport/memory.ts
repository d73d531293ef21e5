/**
 * A network in one process, for tests and simulations: bytes only, delivered in order, with faults on request. A lost
 * message is silent, as it is on a real network; only an address that nobody serves is known at once.
 */
import { type Clock, ensureError, type Logger, silentLogger } from "@castellan/kernel";
import { DeadlineSweep } from "../ask/deadline-sweep.ts";
import { AskTimeout, LinkDown, NotReachable } from "../errors.ts";
import type { Address, Answer, Headers, RequestListener, Transport } from "./transport.ts";

export interface MemoryHub {
  /** A transport for `host`. Several systems may use the same host name. */
  connect(host: string): Transport;
  /** Messages between the two are lost, in both directions, until `heal`. */
  partition(a: string, b: string): void;
  heal(): void;
  /** Cuts one host from all, and tells its listeners. */
  setLink(host: string, up: boolean): void;
  /** How long each message is under way, milliseconds. Default 0: the next microtask. */
  delayMs: number;
  /** Loses the messages it says yes to. */
  drop: (from: string, to: Address, verb: string) => boolean;
}

interface Served {
  readonly host: string;
  readonly onRequest: RequestListener;
}

interface Pending {
  readonly deadlineMs: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
  readonly timeout: () => Error;
}

const keyOf = ({ host, actor, key }: Address): string => `${host}/${actor}/${key}`;

export function createMemoryHub(clock: Clock, logger: Logger = silentLogger): MemoryHub {
  const served = new Map<string, Set<Served>>();
  const down = new Set<string>();
  const cuts = new Set<string>();
  const listeners = new Map<string, Set<(up: boolean) => void>>();

  const hub: MemoryHub = {
    delayMs: 0,
    drop: () => false,
    connect,
    partition(a, b) {
      cuts.add(`${a}|${b}`);
      cuts.add(`${b}|${a}`);
    },
    heal: () => cuts.clear(),
    setLink(host, up) {
      if (up) down.delete(host);
      else down.add(host);
      for (const listener of listeners.get(host) ?? []) listener(up);
    },
  };
  const passes = (from: string, to: string): boolean => !down.has(from) && !down.has(to) && !cuts.has(`${from}|${to}`);
  const carry = (from: string, to: string, arrive: () => void): void => {
    const deliver = (): void => {
      try {
        if (passes(from, to)) arrive();
      } catch (thrown) {
        logger.error("a request listener threw", { error: ensureError(thrown) });
      }
    };
    if (!passes(from, to)) return;
    if (hub.delayMs > 0) clock.after(hub.delayMs, deliver);
    else queueMicrotask(deliver);
  };

  function connect(self: string): Transport {
    const pending = new Set<Pending>();
    const mine = new Set<() => void>();
    const sweep = new DeadlineSweep(clock, (nowMs) => expire(pending, nowMs));
    const deliver = (target: Served, verb: string, body: Uint8Array, headers: Headers, waiting?: Pending): void => {
      const copy = body.slice();
      carry(self, target.host, () => {
        if (waiting === undefined) {
          target.onRequest(verb, copy, headers);
          return;
        }
        target.onRequest(verb, copy, headers, (answer, answerHeaders) => {
          const bytes = answer.slice();
          carry(target.host, self, () => {
            if (pending.delete(waiting)) waiting.resolve({ body: bytes, headers: answerHeaders });
          });
        });
      });
    };
    const transport: Transport = {
      self,
      get up() {
        return !down.has(self);
      },
      serve(address, onRequest) {
        const entry: Served = { host: self, onRequest };
        const all = served.get(keyOf(address)) ?? new Set();
        served.set(keyOf(address), all.add(entry));
        const close = (): void => {
          all.delete(entry);
          mine.delete(close);
        };
        mine.add(close);
        return { close };
      },
      send(address, verb, body, headers) {
        if (down.has(self)) throw new LinkDown(keyOf(address), verb);
        if (hub.drop(self, address, verb)) return;
        for (const target of served.get(keyOf(address)) ?? []) deliver(target, verb, body, headers);
      },
      request(address, verb, body, headers, timeoutMs) {
        const path = keyOf(address);
        return new Promise<Answer>((resolve, reject) => {
          const timeout = (): Error => new AskTimeout(path, verb, timeoutMs);
          const waiting = { deadlineMs: clock.bootMs() + timeoutMs, resolve, reject, timeout };
          const targets = [...(served.get(path) ?? [])];
          if (down.has(self) || targets.length === 0) {
            reject(down.has(self) ? new LinkDown(path, verb) : new NotReachable(path, verb));
            return;
          }
          pending.add(waiting);
          sweep.watch(waiting.deadlineMs);
          if (hub.drop(self, address, verb)) return;
          for (const target of targets) deliver(target, verb, body, headers, waiting);
        });
      },
      onLink(listener) {
        const all = listeners.get(self) ?? new Set();
        listeners.set(self, all.add(listener));
        return () => all.delete(listener);
      },
      close() {
        for (const close of mine) close();
        sweep.cancel();
        expire(pending, Number.POSITIVE_INFINITY);
        return Promise.resolve();
      },
    };
    return transport;
  }
  return hub;
}

function expire(pending: Set<Pending>, nowMs: number): number {
  let next = Number.POSITIVE_INFINITY;
  for (const waiting of pending) {
    if (waiting.deadlineMs <= nowMs) {
      pending.delete(waiting);
      waiting.reject(waiting.timeout());
    } else next = Math.min(next, waiting.deadlineMs);
  }
  return next;
}
