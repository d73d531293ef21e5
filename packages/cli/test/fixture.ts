/** A terminal that remembers, and a node in memory with one server. */
import { type AdminContext, applySpec, type BusMessage, type BusPort } from "@castellan/admin";
import { type Clock, createIdSource, createSeededRng } from "@castellan/kernel";
import { NodeSpec } from "@castellan/protocol";
import { bootstrapNode, type Gateway, update } from "@castellan/store";
import { createMemoryGateway } from "@castellan/store/memory";
import { main } from "../src/index.ts";
import type { Io } from "../src/io.ts";

export interface FakeIo extends Io {
  readonly stdout: () => string;
  readonly stderr: () => string;
  interrupt(): void;
}

export function fakeIo(over: Partial<Io> = {}): FakeIo {
  let stdout = "";
  let stderr = "";
  const interruption = new AbortController();
  return {
    out: (text) => {
      stdout += text;
    },
    err: (text) => {
      stderr += text;
    },
    isTerminal: false,
    outColour: false,
    errColour: false,
    columns: Number.POSITIVE_INFINITY,
    env: {},
    cwd: "/somewhere",
    user: "ann",
    hostName: "desk7",
    ask: null,
    interrupted: interruption.signal,
    ...over,
    stdout: () => stdout,
    stderr: () => stderr,
    interrupt: () => interruption.abort(),
  };
}

/** Timers fire at once and move the clock on. */
function eagerClock(): Clock {
  let elapsed = 0;
  return {
    now: () => new Date(Date.UTC(2026, 0, 1) + elapsed),
    bootMs: () => elapsed,
    after(delayMs, fire) {
      const handle = setImmediate(() => {
        elapsed += delayMs;
        fire();
      });
      return { cancel: () => clearImmediate(handle) };
    },
  };
}

export type Answer = (subject: string, body: string) => Promise<string> | string;

export interface Node {
  readonly ctx: AdminContext;
  readonly gateway: Gateway;
  deliver(headers: Readonly<Record<string, string>>, body: unknown): void;
  /** Runs the program against this node. */
  castellan(args: readonly string[], io?: FakeIo): Promise<{ code: number; stdout: string; stderr: string }>;
}

/** Server hades is master and has WEB 1 and 2. `answer` plays the other side of the bus; null = there is no bus. */
export async function oneServer(answer: Answer | null = null): Promise<Node> {
  const gateway = createMemoryGateway();
  const clock = eagerClock();
  const listeners = new Set<(message: BusMessage) => void>();
  await bootstrapNode(gateway, { node: "ips1", dirName: "/srv/ips1", server: "hades", clock });
  await gateway.commit([update("node_state", { id: 1 }, { master_id: 1, epoch: 3, state: "RUNNING" })]);
  const ctx: AdminContext = {
    gateway,
    bus: answer && fakeBus(answer, listeners),
    user: "ann",
    station: "desk7",
    command: "castellan test",
    clock,
    newId: createIdSource(clock, createSeededRng(1)),
    node: "ips1",
  };
  await applySpec(ctx, NodeSpec.parse({ types: { WEB: { command: ["web"] } }, servers: { hades: { WEB: 2 } } }));
  return {
    ctx,
    gateway,
    deliver(headers, body) {
      const bytes = new TextEncoder().encode(JSON.stringify(body));
      for (const listener of listeners) listener({ subject: "s", headers, body: bytes });
    },
    async castellan(args, io = fakeIo()) {
      const code = await main(args, io, () => Promise.resolve(ctx));
      return { code, stdout: io.stdout(), stderr: io.stderr() };
    },
  };
}

function fakeBus(answer: Answer, listeners: Set<(message: BusMessage) => void>): BusPort {
  return {
    reachable: () => Promise.resolve(true),
    async request(subject, body) {
      const text = await answer(subject, new TextDecoder().decode(body));
      const refused: boolean = text.startsWith('{"error"');
      return { subject, body: new TextEncoder().encode(text), headers: refused ? { "actor-error": "x" } : {} };
    },
    publish: () => Promise.resolve(),
    tail(_events, { message, caughtUp }) {
      listeners.add(message);
      caughtUp();
      return Promise.resolve({ close: () => void listeners.delete(message) });
    },
  };
}
