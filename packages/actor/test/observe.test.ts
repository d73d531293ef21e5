import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  type Asking,
  type Behavior,
  type CommandOf,
  createMemoryHub,
  createTopic,
  type Interceptor,
  intercept,
  newTrace,
  parseTrace,
  receive,
  restart,
  setup,
  supervise,
  topics,
} from "../src/index.ts";
import { createManualClock } from "../src/testing/index.ts";
import { createWorld } from "./world.ts";

type Worker = { type: "Work" } | { type: "Break" } | Asking<{ type: "Sum"; of: readonly number[] }, number>;

const worker = (): Behavior<Worker> =>
  receive<Worker>({
    Work: () => undefined,
    Break: () => {
      throw new Error("broken");
    },
    Sum: async ({ of }, replyTo) => {
      await Promise.resolve();
      replyTo.success(of.reduce((sum, n) => sum + n, 0));
    },
  });

const soon = { timeoutMs: 1000 };

describe("events", () => {
  test("restarts, ends and unhandled messages are published", async () => {
    const { system, clock } = createWorld();
    const heard: unknown[] = [];
    system.events.subscribe(topics.actorRestarted, ({ path, restarts, error }) =>
      heard.push([path, restarts, error.message]),
    );
    system.events.subscribe(topics.actorStopped, ({ path, reason }) => heard.push([path, reason]));
    system.events.subscribe(topics.unhandled, ({ path, type }) => heard.push([path, type]));
    const ref = system.spawn(supervise(worker(), restart({ maxRestarts: 1, withinMs: 1000 })), "worker");
    const wider: { tell(message: { type: string }): void } = ref;
    wider.tell({ type: "Nonsense" });
    ref.tell({ type: "Break" });
    await clock.settle();
    ref.tell({ type: "Break" });
    await clock.settle();
    expect(heard.slice(0, 3)).toEqual([
      ["/user/worker", "Nonsense"],
      ["/user/worker", 1, "broken"],
      ["/user/worker", "failed"],
    ]);
  });

  test("a topic of one's own reaches actors as messages, until the life that subscribed ends", async () => {
    const Price = createTopic<{ cents: number }>("price");
    const { system, clock } = createWorld();
    const seen: number[] = [];
    const ref = system.spawn(
      supervise(
        setup<{ type: "Changed"; cents: number } | { type: "Break" }>((context) => {
          context.subscribe(Price, ({ cents }) => ({ type: "Changed", cents }));
          return receive({
            Changed: ({ cents }) => void seen.push(cents),
            Break: () => {
              throw new Error("x");
            },
          });
        }),
        restart({ maxRestarts: 1, withinMs: 1000 }),
      ),
      "listener",
    );
    await clock.settle();
    system.events.publish(Price, { cents: 1 });
    ref.tell({ type: "Break" });
    await clock.settle();
    system.events.publish(Price, { cents: 2 }); // once, not once for each life
    await clock.settle();
    expect(seen).toEqual([1, 2]);
    await system.stop(100);
    system.events.publish(Price, { cents: 3 });
    expect(seen).toEqual([1, 2]);
    expect(system.deadLetters.count).toBe(0);
  });

  test("a subscriber that throws is logged and stops no other", () => {
    const { system, logged } = createWorld();
    const topic = createTopic<number>("numbers");
    const heard: number[] = [];
    system.events.subscribe(topic, () => {
      throw new Error("deaf");
    });
    const end = system.events.subscribe(topic, (n) => heard.push(n));
    system.events.publish(topic, 1);
    end();
    system.events.publish(topic, 2);
    expect(heard).toEqual([1]);
    expect(logged.filter(({ message }) => message === "a subscriber threw")).toHaveLength(2);
  });
});

const counting = (log: string[], name: string): Interceptor => ({
  receive(message, proceed, { path }) {
    log.push(`${name} > ${path} ${message.type}`);
    const next = proceed();
    log.push(`${name} <`);
    return next;
  },
});

describe("interceptors", () => {
  test("stand around every handler, the outermost first, whatever the actor becomes", async () => {
    type Door = { type: "Push" };
    const door = (): Behavior<Door> => receive({ Push: () => door() });
    const log: string[] = [];
    const { system, clock } = createWorld();
    const ref = system.spawn(intercept(intercept(door(), counting(log, "in")), counting(log, "out")), "door");
    ref.tell({ type: "Push" });
    ref.tell({ type: "Push" });
    await clock.settle();
    const once = ["out > /user/door Push", "in > /user/door Push", "in <", "out <"];
    expect(log).toEqual([...once, ...once]);
  });

  test("may drop a message, and hear of an asynchronous handler's end", async () => {
    const log: string[] = [];
    const timing: Interceptor = {
      receive(message, proceed) {
        if (message.type === "Work") return undefined;
        const next = proceed();
        if (!(next instanceof Promise)) return next;
        return next.finally(() => log.push(`${message.type} done`));
      },
    };
    const { system } = createWorld();
    const ref = system.spawn(intercept(worker(), timing), "worker");
    ref.tell({ type: "Work" });
    expect(await ref.ask({ type: "Sum", of: [1, 2] }, soon)).toBe(3);
    await Promise.resolve();
    expect(log).toEqual(["Sum done"]);
  });

  test("one that a handler returns lasts until the next behaviour: they do not pile up", async () => {
    type Door = { type: "Push" };
    const log: string[] = [];
    const door = (): Behavior<Door> => intercept(receive({ Push: () => door() }), counting(log, "x"));
    const { system, clock } = createWorld();
    const ref = system.spawn(
      setup<Door>(() => receive({ Push: () => door() })),
      "door",
    );
    for (let n = 0; n < 4; n += 1) ref.tell({ type: "Push" });
    await clock.settle();
    expect(log.filter((line) => line.startsWith("x >"))).toHaveLength(3);
  });
});

test("inspect shows the tree with what it has done, and dead letters by reason", async () => {
  const { system, clock } = createWorld();
  const ref = system.spawn(worker(), "worker", { kind: "adder", mailbox: { capacity: 2 } });
  await clock.settle();
  for (let n = 0; n < 5; n += 1) ref.tell({ type: "Work" });
  await clock.run(250);
  expect(system.inspect()).toEqual({
    host: "hades",
    actors: [
      {
        path: "/user/worker",
        kind: "adder",
        state: "running",
        stateMs: 250,
        restarts: 0,
        mailbox: 0,
        highWater: 2,
        dropped: 3,
        processed: 2,
        children: [],
      },
    ],
    deadLetters: { total: 3, byReason: { "mailbox-full": 3 } },
  });
  expect(JSON.parse(JSON.stringify(system.inspect()))).toEqual(system.inspect());
});

describe("traces", () => {
  const Relay = {
    actor: "relay",
    messages: {
      Pass: { request: z.object({}) },
      Fetch: { request: z.object({}), reply: z.object({ trace: z.string().nullable() }) },
    },
  } as const;
  const trace = { traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01`, tracestate: "vendor=1" };

  test("go with tell, ask, spawn, pipe and log, over the network and across awaits; and end with the message", async () => {
    const clock = createManualClock();
    const hub = createMemoryHub(clock);
    const here = createWorld({ clock, host: "hades", transport: hub.connect("hades") });
    const there = createWorld({ clock, host: "zeus", transport: hub.connect("zeus") });
    const seen: [string, string | undefined][] = [];
    const note = (world: typeof here, where: string): void => {
      seen.push([where, world.system.traces.current()?.traceparent]);
    };
    const far = there.system.spawn(
      receive<CommandOf<typeof Relay>>({
        Pass: () => note(there, "far tell"),
        Fetch: (_message, replyTo) => {
          note(there, "far ask");
          replyTo.success({ trace: there.system.traces.current()?.tracestate ?? null });
        },
      }),
      "far",
    );
    there.system.expose(Relay, "-", far);
    const remote = here.system.remote(Relay, { host: "zeus" });
    const child = setup<{ type: "Hello" }>(() => {
      note(here, "child setup");
      return receive({ Hello: () => note(here, "child tell") });
    });
    const start = here.system.spawn(
      setup<{ type: "Go"; n: number } | { type: "Piped" } | { type: "After" }>((context) =>
        receive({
          Go: async ({ n }) => {
            await Promise.resolve();
            note(here, "after await");
            context.log.info("working");
            context.spawn(child, `child${n}`).tell({ type: "Hello" });
            remote.tell({ type: "Pass" });
            const answer = await remote.ask({ type: "Fetch" }, soon);
            seen.push(["answer", answer.trace ?? undefined]);
            context.pipeToSelf(Promise.resolve(), { ok: () => ({ type: "Piped" }), failed: () => ({ type: "Piped" }) });
          },
          Piped: () => note(here, "piped"),
          After: () => note(here, "after"),
        }),
      ),
      "start",
    );
    here.system.traces.run(trace, () => start.tell({ type: "Go", n: 1 }));
    start.tell({ type: "After" });
    await clock.run(10);
    const { traceparent } = trace;
    expect(Object.fromEntries(seen)).toEqual({
      "after await": traceparent,
      "child setup": traceparent,
      "child tell": traceparent,
      "far tell": traceparent,
      "far ask": traceparent,
      answer: "vendor=1",
      piped: traceparent,
      after: undefined,
    });
    expect(here.logged.find(({ message }) => message === "working")?.fields).toMatchObject({ trace: traceparent });
    seen.length = 0;
    start.tell({ type: "Go", n: 2 });
    await clock.run(10);
    expect(seen.every(([, where]) => where === undefined)).toBe(true);
    await Promise.all([here.system.stop(0), there.system.stop(0)]);
  });

  test("are read as the standard says, and nothing else is one", () => {
    const good = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
    expect(parseTrace(good)).toEqual({ traceparent: good, tracestate: "" });
    expect(parseTrace(`cc-${good.slice(3)}-what-the-future-brings`)?.traceparent).toBe(good);
    for (const bad of [
      undefined,
      "",
      `${good}-x`,
      `ff-${good.slice(3)}`,
      good.toUpperCase(),
      `00-${"0".repeat(32)}-${"b".repeat(16)}-01`,
      `00-${"a".repeat(32)}-${"0".repeat(16)}-01`,
    ]) {
      expect(parseTrace(bad)).toBeNull();
    }
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 24, maxLength: 24 }), (bytes) => {
        let at = 0;
        const made = newTrace({ bytes: (count) => bytes.slice(at, (at += count)) });
        expect(parseTrace(made.traceparent)).toEqual(made);
      }),
    );
  });
});
