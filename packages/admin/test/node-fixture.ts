/** A node of two servers in memory, and the other side of the bus as a test plays it. */
import { type Clock, createIdSource, createSeededRng } from "@castellan/kernel";
import { NodeSpec } from "@castellan/protocol";
import { bootstrapNode, type Gateway, update } from "@castellan/store";
import { createMemoryGateway } from "@castellan/store/memory";
import type { AdminContext, BusMessage, BusPort } from "../src/index.ts";

/** A clock whose timers fire at once and move it on: waiting takes no time. */
export function eagerClock(start = Date.UTC(2026, 0, 1)): Clock & { advance(ms: number): void } {
  let elapsed = 0;
  return {
    now: () => new Date(start + elapsed),
    bootMs: () => elapsed,
    after(delayMs, fire) {
      let cancelled = false;
      setImmediate(() => {
        if (cancelled) return;
        elapsed += delayMs;
        fire();
      });
      return {
        cancel: () => {
          cancelled = true;
        },
      };
    },
    advance(ms) {
      elapsed += ms;
    },
  };
}

export interface FakeBus extends BusPort {
  readonly requests: { readonly subject: string; readonly body: unknown }[];
  readonly published: string[];
  deliver(subject: string, headers: Record<string, string>, body: string): void;
}

/** Answers each request with what `answer` gives or throws. */
export function fakeBus(answer: (subject: string, body: unknown, timeoutMs: number) => Partial<BusMessage>): FakeBus {
  const listeners = new Set<(message: BusMessage) => void>();
  const bus: FakeBus = {
    requests: [],
    published: [],
    reachable: () => Promise.resolve(true),
    async request(subject, bytes, timeoutMs) {
      const body: unknown = JSON.parse(new TextDecoder().decode(bytes));
      bus.requests.push({ subject, body });
      return { subject, body: new Uint8Array(0), headers: {}, ...answer(subject, body, timeoutMs) };
    },
    publish(subject) {
      bus.published.push(subject);
      return Promise.resolve();
    },
    tail(_events, { message }) {
      listeners.add(message);
      return Promise.resolve({ close: () => void listeners.delete(message) });
    },
    deliver(subject, headers, body) {
      for (const listener of listeners) listener({ subject, headers, body: new TextEncoder().encode(body) });
    },
  };
  return bus;
}

export interface Fixture {
  readonly ctx: AdminContext;
  readonly gateway: Gateway;
  readonly clock: ReturnType<typeof eagerClock>;
}

/** Servers hades (1, master) and zeus (2). */
export async function twoServers(bus: BusPort | null = null): Promise<Fixture> {
  const gateway = createMemoryGateway();
  const clock = eagerClock();
  for (const server of ["hades", "zeus"]) {
    await bootstrapNode(gateway, { node: "ips1", dirName: "/srv/ips1", server, clock });
  }
  await gateway.commit([update("node_state", { id: 1 }, { master_id: 1, epoch: 3, state: "RUNNING" })]);
  const newId = createIdSource(clock, createSeededRng(1));
  return {
    gateway,
    clock,
    ctx: { gateway, bus, user: "ann", station: "desk7", command: "castellan test", clock, newId, node: "ips1" },
  };
}

export const spec = (text: object): NodeSpec => NodeSpec.parse(text);
export const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
