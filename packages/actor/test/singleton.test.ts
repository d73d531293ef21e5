import * as fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import { z } from "zod";
import {
  type ActorSystem,
  type Behavior,
  type CommandOf,
  createMemoryEpochs,
  createMemoryHub,
  createSingleton,
  NotReachable,
  receive,
  StaleEpoch,
  setup,
  stopped,
} from "../src/index.ts";
import { createManualClock } from "../src/testing/index.ts";
import { createWorld } from "./world.ts";

const Ledger = {
  actor: "ledger",
  messages: {
    Note: { request: z.object({ text: z.string() }) },
    Where: { request: z.object({}), reply: z.object({ host: z.string(), epoch: z.int() }) },
    Quit: { request: z.object({}) },
  },
} as const;

interface Lived {
  readonly host: string;
  readonly epoch: number;
  readonly notes: string[];
}

const systems: ActorSystem[] = [];
afterEach(async () => {
  await Promise.all(systems.splice(0).map((system) => system.stop(0)));
});

function createCluster(hosts: readonly string[], notify?: (tell: () => void) => void) {
  const clock = createManualClock();
  const hub = createMemoryHub(clock);
  const epochs = createMemoryEpochs(notify);
  const lives: Lived[] = [];
  const ledger = (host: string, epoch: number): Behavior<CommandOf<typeof Ledger>> =>
    setup(() => {
      const life: Lived = { host, epoch, notes: [] };
      lives.push(life);
      return receive({
        Note: ({ text }) => void life.notes.push(text),
        Where: (_message, replyTo) => replyTo.success({ host, epoch }),
        Quit: () => stopped(),
      });
    });
  const join = (host: string): ActorSystem => {
    const { system } = createWorld({ clock, host, transport: hub.connect(host) });
    systems.push(system);
    const behavior = (epoch: number) => ledger(host, epoch);
    system.spawn(createSingleton({ protocol: Ledger, epochs, behavior }), "ledger");
    return system;
  };
  const visitor = createWorld({ clock, host: "visitor", transport: hub.connect("visitor") }).system;
  systems.push(visitor);
  return { clock, hub, epochs, lives, visitor, join, joined: hosts.map(join) };
}

const soon = { timeoutMs: 5000 };

test("one of several systems hosts it, and a ref reaches it from anywhere", async () => {
  const { clock, visitor, joined, lives } = createCluster(["hades", "zeus", "hera"]);
  await clock.run(200);
  expect(lives).toHaveLength(1);
  for (const system of [visitor, ...joined]) {
    const { ref } = system.singleton(Ledger, { epochs: createFollower(lives) });
    const answer = ref.ask({ type: "Where" }, soon);
    await clock.run(10);
    expect(await answer).toEqual({ host: lives[0]?.host, epoch: 1 });
  }
});

/** Epochs as somebody sees them who only follows. */
function createFollower(lives: readonly Pick<Lived, "host" | "epoch">[]) {
  return {
    watch: (listener: (claim: { epoch: number; holder: string } | null) => void) => {
      const last = lives.at(-1);
      listener(last === undefined ? null : { epoch: last.epoch, holder: last.host });
      return () => undefined;
    },
    acquire: () => Promise.resolve(null),
    release: () => Promise.resolve(),
  };
}

test("what is sent while nobody holds it waits, and goes to the next holder in order", async () => {
  const { clock, epochs, visitor, join, lives } = createCluster([]);
  const { ref } = visitor.singleton(Ledger, { epochs });
  ref.tell({ type: "Note", text: "a" });
  const asked = ref.ask({ type: "Where" }, soon);
  ref.tell({ type: "Note", text: "b" });
  await clock.run(1000);
  join("zeus");
  await clock.run(1000);
  expect(await asked).toEqual({ host: "zeus", epoch: 1 });
  expect(lives).toMatchObject([{ notes: ["a", "b"] }]);
});

test("waiting is bounded in number and in time", async () => {
  const { clock, epochs, visitor } = createCluster([]);
  const { ref, close } = visitor.singleton(Ledger, { epochs, capacity: 2, holdMs: 1000 });
  ref.tell({ type: "Note", text: "a" });
  const asked = ref.ask({ type: "Where" }, { timeoutMs: 500 }).catch((thrown: unknown) => thrown);
  ref.tell({ type: "Note", text: "too many" });
  await expect(ref.ask({ type: "Where" }, soon)).rejects.toMatchObject({ code: "MAILBOX_FULL", retryable: true });
  await clock.run(600);
  expect(await asked).toBeInstanceOf(NotReachable); // never sent: certainly not acted on
  await clock.run(500);
  expect(visitor.deadLetters.byReason).toEqual({ "mailbox-full": 1, "no-such-actor": 1 });
  close();
  await expect(ref.ask({ type: "Where" }, soon)).rejects.toBeInstanceOf(NotReachable);
  expect(clock.waiting).toBe(0);
});

test("a holder that leaves in order gives the epoch back; another goes on, and no ask is lost", async () => {
  const { clock, epochs, visitor, joined, lives } = createCluster(["hades", "zeus"]);
  await clock.run(500);
  const first = joined.find(({ host }) => host === lives[0]?.host);
  const { ref } = visitor.singleton(Ledger, { epochs });
  const over = first?.stop(1000);
  const answers = Array.from({ length: 20 }, () => ref.ask({ type: "Where" }, soon));
  await clock.run(6000);
  await over;
  for (const answer of await Promise.all(answers)) expect(answer.epoch).toBeGreaterThan(0);
  expect(lives.map(({ epoch }) => epoch)).toEqual([1, 2]);
  expect(lives[1]?.host).not.toBe(lives[0]?.host);
});

test("an instance that ends by itself frees the epoch for any system", async () => {
  const { clock, epochs, visitor, lives } = createCluster(["hades"]);
  await clock.run(200);
  const { ref } = visitor.singleton(Ledger, { epochs });
  ref.tell({ type: "Quit" });
  await clock.run(1000);
  expect(lives.map(({ epoch }) => epoch)).toEqual([1, 2]);
});

test("a message of an older epoch is refused; one of a later epoch ends the hosting", async () => {
  const { clock, epochs, joined, lives } = createCluster(["hades"]);
  await clock.run(200);
  epochs.vacate();
  await clock.run(1000);
  expect(lives.map(({ epoch }) => epoch)).toEqual([1, 2]);
  const [system] = joined;
  const old = system
    ?.singleton(Ledger, { epochs: createFollower([{ host: "hades", epoch: 1 }]) })
    .ref.ask({ type: "Where" }, { timeoutMs: 300 });
  const oldEnd = old?.catch((thrown: unknown) => thrown);
  await clock.run(400);
  expect(await oldEnd).toBeInstanceOf(NotReachable); // tried until its deadline, acted on never
  expect(system?.deadLetters.count).toBe(0);
  system?.remote(Ledger, { host: "hades" }).tell({ type: "Note", text: "of no epoch" });
  expect(system?.deadLetters.byReason).toMatchObject({ "stale-epoch": 1 });
  await expect(system?.remote(Ledger, { host: "hades" }).ask({ type: "Where" }, soon)).rejects.toBeInstanceOf(
    StaleEpoch,
  );
  system
    ?.singleton(Ledger, { epochs: createFollower([{ host: "hades", epoch: 7 }]) })
    .ref.tell({ type: "Note", text: "from the future" });
  await clock.run(50);
  await expect(system?.remote(Ledger, { host: "hades" }).ask({ type: "Where" }, soon)).rejects.toBeInstanceOf(
    NotReachable,
  );
  expect(lives.flatMap(({ notes }) => notes)).toEqual([]);
});

test("whatever the order of losses and however late the news: an epoch is hosted once, and no life hears of a later epoch's message", async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant("vacate" as const) }),
    fc.record({ kind: fc.constant("say" as const) }),
    fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 400 }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), fc.infiniteStream(fc.nat(300)), async (steps, delays) => {
      let later: ((delayMs: number, tell: () => void) => void) | null = null;
      let lastMs = 0;
      const { clock, epochs, visitor, lives, join } = createCluster([], (tell) =>
        later?.(delays.next().value ?? 0, tell),
      );
      later = (delayMs, tell) => {
        lastMs = Math.max(lastMs, clock.bootMs() + delayMs); // late, but in order
        clock.after(lastMs - clock.bootMs(), tell);
      };
      for (const host of ["hades", "zeus", "hera"]) join(host);
      const { ref } = visitor.singleton(Ledger, { epochs, holdMs: 60_000 });
      let said = 0;
      for (const given of steps) {
        if (given.kind === "vacate") epochs.vacate();
        else if (given.kind === "wait") await clock.run(given.ms);
        else {
          said += 1;
          ref.tell({ type: "Note", text: `${said}` });
        }
      }
      await clock.run(12_000);
      const answer = ref.ask({ type: "Where" }, soon).catch((thrown: unknown) => thrown);
      await clock.run(6000);
      // In the end it is where the arbiter says, once.
      expect(await answer).toEqual({ host: epochs.claim?.holder, epoch: epochs.claim?.epoch });
      const hostedEpochs = lives.map(({ epoch }) => epoch);
      expect(new Set(hostedEpochs).size).toBe(hostedEpochs.length);
      // Told once, heard at most once, by one life; within a life in order.
      const heard = lives.flatMap(({ notes }) => notes);
      expect(new Set(heard).size).toBe(heard.length);
      for (const { notes } of lives) expect(notes.map(Number)).toEqual(notes.map(Number).sort((a, b) => a - b));
      await Promise.all(systems.splice(0).map((system) => system.stop(0)));
    }),
    { numRuns: 25 },
  );
});
