/**
 * A transport that is there before the bus is. A worker must look after its processes whether or not NATS answers, so its
 * actors are exposed at once and become reachable when the first connection is made; after that the real transport, which
 * reconnects by itself, does everything.
 */
import { type Address, LinkDown, type Transport } from "@castellan/actor";

export interface LateTransport extends Transport {
  /** The bus is there: everything served so far is served on `transport` from now on. Called at most once. */
  arrive(transport: Transport): void;
}

interface Serving {
  readonly args: Parameters<Transport["serve"]>;
  served: { close(): void } | null;
}

export function createLateTransport(self: string): LateTransport {
  const waiting = new Set<Serving>();
  const listeners = new Set<(up: boolean) => void>();
  let real: Transport | null = null;
  let closed = false;

  return {
    self,
    arrive(transport) {
      if (closed || real !== null) return;
      real = transport;
      for (const serving of waiting) serving.served = transport.serve(...serving.args);
      transport.onLink((up) => {
        for (const listener of listeners) listener(up);
      });
      for (const listener of listeners) listener(transport.up);
    },
    serve(...args) {
      const serving: Serving = { args, served: real?.serve(...args) ?? null };
      waiting.add(serving);
      return {
        close() {
          waiting.delete(serving);
          serving.served?.close();
        },
      };
    },
    send(address, verb, body, headers) {
      if (real === null) throw notYet(address, verb);
      real.send(address, verb, body, headers);
    },
    async request(address, verb, body, headers, timeoutMs) {
      if (real === null) throw notYet(address, verb);
      return await real.request(address, verb, body, headers, timeoutMs);
    },
    get up() {
      return real?.up ?? false;
    },
    onLink(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close(deadlineMs) {
      closed = true;
      await real?.close(deadlineMs);
    },
  };
}

function notYet({ host, actor, key }: Address, verb: string): LinkDown {
  return new LinkDown(`${host}/${actor}/${key}`, verb);
}
