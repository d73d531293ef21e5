/** What spans systems, over a real server: listings, singletons, traces. */
import { createIdSource, createSystemClock, silentLogger, systemRng } from "@castellan/kernel";
import { eventually, type NatsServer, natsServer } from "@castellan/testkit";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import {
  type ActorSystem,
  type CommandOf,
  createActorSystem,
  createMemoryEpochs,
  createPipeline,
  createSingleton,
  newTrace,
  receive,
} from "../src/index.ts";
import { connectLink, createNatsTransport } from "../src/transport/nats/index.ts";

const Ledger = {
  actor: "ledger",
  messages: {
    Book: {
      request: z.object({ n: z.int() }),
      reply: z.object({ n: z.int(), host: z.string(), trace: z.string().nullable() }),
    },
  },
} as const;

const clock = createSystemClock();
const ends: (() => Promise<void>)[] = [];
let server: NatsServer;
beforeAll(async () => {
  server = await natsServer();
});
afterEach(async () => {
  await Promise.all(ends.splice(0).map((end) => end()));
});
afterAll(() => server.stop());

async function join(host: string): Promise<ActorSystem & { readonly leave: () => Promise<void> }> {
  const logger = silentLogger;
  const link = await connectLink({ servers: server.url, name: host, clock, logger });
  const subjects = {
    of: ({ host: to, actor, key }: { host: string; actor: string; key: string }, verb: string) =>
      `cluster.${to}.${actor}.${key}.${verb}`,
    pattern: ({ host: to, actor, key }: { host: string; actor: string; key: string }) =>
      `cluster.${to}.${actor}.${key}.*`,
    verbOf: (subject: string) => subject.slice(subject.lastIndexOf(".") + 1),
  };
  const transport = createNatsTransport({ self: host, connection: link.connection, subjects, clock, logger });
  const newId = createIdSource(clock, systemRng);
  const system = createActorSystem({ host, transport, clock, rng: systemRng, logger, newId });
  let left: Promise<void> | null = null;
  const leave = (): Promise<void> => {
    left ??= (async () => {
      await system.stop(60_000);
      await transport.close(60_000);
      await link.close();
    })();
    return left;
  };
  ends.push(leave);
  return Object.assign(system, { leave });
}

const ledger = (system: ActorSystem) =>
  receive<CommandOf<typeof Ledger>>({
    Book: ({ n }, replyTo) =>
      replyTo.success({ n, host: system.host, trace: system.traces.current()?.traceparent ?? null }),
  });

test("listed actors are found on other systems, and leave the listing with their system", async () => {
  const [hades, zeus, hera] = await Promise.all(["hades", "zeus", "hera"].map(join));
  if (hades === undefined || zeus === undefined || hera === undefined) throw new Error("three systems");
  for (const system of [zeus, hera]) {
    system.expose(Ledger, "-", system.spawn(ledger(system), "ledger"), { listed: true });
  }
  let now: string[] = [];
  hades.receptionist.subscribe(Ledger, (listing) => {
    now = [...listing.keys()];
  });
  await eventually(() => now.length === 2, { withinMs: 90_000, describe: "both are listed" });
  expect(now).toEqual(["hera/ledger/-", "zeus/ledger/-"]);
  const listing = await hades.receptionist.find(Ledger, { withinMs: 60_000 });
  const answers = [...listing.values()].map((ref) => ref.ask({ type: "Book", n: 1 }, { timeoutMs: 60_000 }));
  expect((await Promise.all(answers)).map(({ host }) => host)).toEqual(["hera", "zeus"]);
  await zeus.leave();
  await eventually(() => now.length === 1, { withinMs: 90_000, describe: "one is listed" });
});

test("a singleton moves while it is asked, and every ask is answered once", async () => {
  const epochs = createMemoryEpochs();
  const systems = await Promise.all(["hades", "zeus"].map(join));
  const visitor = await join("visitor");
  for (const system of systems) {
    const behavior = () => ledger(system);
    system.spawn(createSingleton({ protocol: Ledger, epochs, behavior }), "ledger");
  }
  const { ref } = visitor.singleton(Ledger, { epochs });
  const pipeline = createPipeline(ref, { window: 20, clock });
  const first = await ref.ask({ type: "Book", n: 0 }, { timeoutMs: 60_000 });
  const answers = Array.from({ length: 500 }, (_, n) => pipeline.ask({ type: "Book", n }, { timeoutMs: 60_000 }));
  await answers[50];
  await systems.find(({ host }) => host === first.host)?.leave();
  const all = await Promise.all(answers);
  expect(all.map(({ n }) => n)).toEqual(Array.from({ length: 500 }, (_, n) => n));
  const last = await ref.ask({ type: "Book", n: 0 }, { timeoutMs: 60_000 });
  expect(last.host).not.toBe(first.host);
});

test("a trace crosses the network as W3C headers", async () => {
  const [hades, zeus] = await Promise.all(["hades", "zeus"].map(join));
  if (hades === undefined || zeus === undefined) throw new Error("two systems");
  zeus.expose(Ledger, "-", zeus.spawn(ledger(zeus), "ledger"));
  const remote = hades.remote(Ledger, { host: "zeus" });
  await eventually(() => remote.ask({ type: "Book", n: 0 }, { timeoutMs: 60_000 }), { withinMs: 90_000 });
  const trace = newTrace(systemRng);
  const traced = hades.traces.run(trace, () => remote.ask({ type: "Book", n: 1 }, { timeoutMs: 60_000 }));
  expect((await traced).trace).toBe(trace.traceparent);
  expect((await remote.ask({ type: "Book", n: 2 }, { timeoutMs: 60_000 })).trace).toBeNull();
});
