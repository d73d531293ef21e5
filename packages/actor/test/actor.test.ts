import { CastellanError } from "@castellan/kernel";
import { describe, expect, expectTypeOf, test } from "vitest";
import {
  type ActorRef,
  type Asking,
  AskTimeout,
  type Behavior,
  NotReachable,
  RemoteError,
  type ReplyTo,
  receive,
  restart,
  setup,
  stopped,
  supervise,
  topics,
} from "../src/index.ts";
import { createWorld } from "./world.ts";

type Counter = { type: "Add"; by: number } | Asking<{ type: "Get" }, number> | { type: "Quit" };

const counter = (count = 0): Behavior<Counter> =>
  receive<Counter>({
    Add: ({ by }) => counter(count + by),
    Get: (_message, replyTo) => replyTo.success(count),
    Quit: () => stopped(),
  });

describe("tell and ask", () => {
  test("messages are handled in order, and an ask gets its typed answer", async () => {
    const { system } = createWorld();
    const ref = system.spawn(counter(), "counter");
    expectTypeOf(ref).toEqualTypeOf<ActorRef<Counter>>();
    for (let by = 1; by <= 1000; by += 1) ref.tell({ type: "Add", by });
    const answer = await ref.ask({ type: "Get" }, { timeoutMs: 1000 });
    expectTypeOf(answer).toEqualTypeOf<number>();
    expect(answer).toBe(500_500);
    expect(ref.path).toBe("/user/counter");
    await system.stop(100);
  });

  test("the compiler refuses to tell what is asked, to ask what is told, and unknown messages", () => {
    const { system } = createWorld();
    const ref = system.spawn(counter(), "counter");
    const neverRun = (): void => {
      // @ts-expect-error Get is asked
      ref.tell({ type: "Get" });
      // @ts-expect-error Add is told
      void ref.ask({ type: "Add", by: 1 }, { timeoutMs: 1 });
      // @ts-expect-error no such message
      ref.tell({ type: "Nope" });
      // @ts-expect-error a ref for fewer messages does not do for more
      const wider: ActorRef<Counter | { type: "More" }> = ref;
      // @ts-expect-error a handler is missing
      receive<Counter>({ Add: () => undefined, Quit: () => undefined });
      void wider;
    };
    expect(neverRun).toBeTypeOf("function");
    const narrower: ActorRef<{ type: "Quit" }> = ref;
    narrower.tell({ type: "Quit" });
  });

  test("a refusal rejects with its code; a second answer is dropped and counted", async () => {
    const { system } = createWorld();
    const ref = system.spawn(
      receive<Asking<{ type: "Try" }, string>>({
        Try: (_message, replyTo) => {
          replyTo.refuse(new CastellanError("BUSY", "later", { retryable: true, details: { queue: 3 } }));
          replyTo.success("too late");
        },
      }),
      "refuser",
    );
    const failed = await ref.ask({ type: "Try" }, { timeoutMs: 1000 }).catch((thrown: unknown) => thrown);
    expect(failed).toMatchObject({ code: "BUSY", message: "later", retryable: true, details: { queue: 3 } });
    expect(system.deadLetters.recent.at(-1)).toMatchObject({ type: "Try", reason: "second-reply" });
  });

  test("an answer may come from a later message", async () => {
    type Door = Asking<{ type: "Wait" }, string> | { type: "Open" };
    const { system } = createWorld();
    const ref = system.spawn(
      setup<Door>(() => {
        const waiting: ReplyTo<string>[] = [];
        return receive({
          Wait: (_message, replyTo) => {
            waiting.push(replyTo);
          },
          Open: () => {
            for (const replyTo of waiting) replyTo.success("come in");
          },
        });
      }),
      "door",
    );
    const answers = Promise.all([1, 2].map(() => ref.ask({ type: "Wait" }, { timeoutMs: 1000 })));
    ref.tell({ type: "Open" });
    expect(await answers).toEqual(["come in", "come in"]);
  });

  test("no answer within the deadline is AskTimeout, never earlier", async () => {
    const { system, clock } = createWorld();
    const ref = system.spawn(receive<Asking<{ type: "Never" }, string>>({ Never: () => undefined }), "silent");
    const outcome: [number, unknown][] = [];
    for (const timeoutMs of [500, 200, 300]) {
      ref.ask({ type: "Never" }, { timeoutMs }).catch((thrown: unknown) => outcome.push([timeoutMs, thrown]));
    }
    await clock.run(199);
    expect(outcome).toEqual([]);
    await clock.run(11);
    expect(outcome).toEqual([[200, expect.any(AskTimeout)]]);
    await clock.run(300);
    expect(outcome.map((entry) => entry[0])).toEqual([200, 300, 500]);
    expect(outcome[0]).toMatchObject([200, { code: "ASK_TIMEOUT", retryable: true }]);
    expect(clock.waiting).toBe(0);
  });

  test("a handler that throws answers its asker INTERNAL at once", async () => {
    const { system, defects } = createWorld();
    const ref = system.spawn(
      receive<Asking<{ type: "Break" }, string>>({
        Break: () => {
          throw new Error("a bug");
        },
      }),
      "broken",
    );
    const failed = await ref.ask({ type: "Break" }, { timeoutMs: 1000 }).catch((thrown: unknown) => thrown);
    expect(failed).toBeInstanceOf(RemoteError);
    expect(failed).toMatchObject({ code: "INTERNAL", message: "a bug" });
    expect(defects).toMatchObject([{ path: "/user/broken", error: { message: "a bug" } }]);
  });

  test("a handler's promise holds the mailbox, and its outcome is the next behaviour", async () => {
    type Lamp = { type: "Toggle" } | Asking<{ type: "Get" }, string>;
    const { system, clock } = createWorld();
    const lamp = (state: "on" | "off"): Behavior<Lamp> =>
      receive<Lamp>({
        Toggle: async () => {
          await new Promise<void>((resolve) => clock.after(100, resolve));
          return lamp(state === "on" ? "off" : "on");
        },
        Get: (_message, replyTo) => replyTo.success(state),
      });
    const ref = system.spawn(lamp("off"), "lamp");
    ref.tell({ type: "Toggle" });
    const answer = ref.ask({ type: "Get" }, { timeoutMs: 1000 });
    await clock.settle();
    expect(system.tree()).toMatchObject([{ path: "/user/lamp", state: "busy", mailbox: 1 }]);
    await clock.run(100);
    expect(await answer).toBe("on");
  });
});

describe("dead letters", () => {
  test("a told message for an actor that has ended is one; an ask is refused", async () => {
    const { system, clock, logged } = createWorld();
    const heard: string[] = [];
    system.events.subscribe(topics.deadLetter, (letter) => heard.push(letter.type));
    const ref = system.spawn(counter(), "counter");
    ref.tell({ type: "Quit" });
    ref.tell({ type: "Add", by: 1 });
    await clock.settle();
    ref.tell({ type: "Add", by: 1 });
    await expect(ref.ask({ type: "Get" }, { timeoutMs: 1000 })).rejects.toBeInstanceOf(NotReachable);
    expect(system.deadLetters.count).toBe(2);
    expect(heard).toEqual(["Add", "Add"]);
    expect(system.tree()).toEqual([]);
    expect(logged.filter(({ message }) => message === "message not delivered")).toHaveLength(1);
  });

  test("a full mailbox takes no more and loses nothing that it has", async () => {
    const { system } = createWorld();
    const ref = system.spawn(counter(), "counter", { mailbox: { capacity: 3 } });
    for (let n = 0; n < 5; n += 1) ref.tell({ type: "Add", by: 1 });
    await expect(ref.ask({ type: "Get" }, { timeoutMs: 1000 })).rejects.toMatchObject({
      code: "MAILBOX_FULL",
      retryable: true,
    });
    expect(await ref.ask({ type: "Get" }, { timeoutMs: 1000 })).toBe(3);
    expect(system.deadLetters.recent.map(({ reason }) => reason)).toEqual(["mailbox-full", "mailbox-full"]);
  });
});

function createGate(): { opened: Promise<void>; open: () => void } {
  const gate = { opened: Promise.resolve(), open: (): void => undefined };
  gate.opened = new Promise((resolve) => {
    gate.open = resolve;
  });
  return gate;
}

describe("timers", () => {
  type Clocked = { type: "Fire"; name: string } | { type: "Block" };

  test("fire once or again and again, and end when cancelled", async () => {
    const { system, clock } = createWorld();
    const fired: string[] = [];
    system.spawn(
      setup<Clocked>(({ timers }) => {
        timers.once("once", 100, { type: "Fire", name: "once" });
        timers.every("tick", 50, { type: "Fire", name: "tick" });
        return receive({
          Fire: ({ name }) => {
            fired.push(name);
            if (fired.length === 4) timers.cancel("tick");
            if (name === "once") expect(timers.has("once")).toBe(false);
          },
          Block: () => undefined,
        });
      }),
      "clocked",
    );
    await clock.run(1000);
    expect(fired).toEqual(["tick", "once", "tick", "tick"]);
    expect(clock.waiting).toBe(0);
  });

  test("a restarted key never delivers the old firing, even when it already waits in the mailbox", async () => {
    const { system, clock } = createWorld();
    const fired: string[] = [];
    const gate = createGate();
    const ref = system.spawn(
      setup<Clocked>(({ timers }) => {
        timers.once("key", 10, { type: "Fire", name: "old" });
        return receive({
          Fire: ({ name }) => {
            fired.push(name);
          },
          Block: async () => {
            await gate.opened;
            timers.once("key", 10, { type: "Fire", name: "new" });
          },
        });
      }),
      "clocked",
    );
    ref.tell({ type: "Block" });
    await clock.run(10);
    expect(system.tree()).toMatchObject([{ mailbox: 1 }]);
    gate.open();
    await clock.run(10);
    expect(fired).toEqual(["new"]);
  });
});

test("ticks do not pile up behind a busy handler", async () => {
  const { system, clock } = createWorld();
  let ticks = 0;
  const gate = createGate();
  const ref = system.spawn(
    setup<{ type: "Tick" } | { type: "Block" }>(({ timers }) => {
      timers.every("tick", 10, { type: "Tick" });
      return receive({
        Tick: () => {
          ticks += 1;
        },
        Block: () => gate.opened,
      });
    }),
    "ticking",
  );
  ref.tell({ type: "Block" });
  await clock.run(100);
  gate.open();
  await clock.run(5);
  expect(ticks).toBe(1);
  await clock.run(10);
  expect(ticks).toBe(2);
});

test("a piped result for an earlier life is dropped and counted", async () => {
  const { system, clock } = createWorld();
  const gate = createGate();
  const seen: string[] = [];
  const ref = system.spawn(
    supervise(
      setup<{ type: "Start" } | { type: "Done" } | { type: "Break" }>((context) =>
        receive({
          Start: () =>
            context.pipeToSelf(gate.opened, { ok: () => ({ type: "Done" }), failed: () => ({ type: "Done" }) }),
          Done: () => void seen.push("done"),
          Break: () => {
            throw new Error("x");
          },
        }),
      ),
      restart({ maxRestarts: 1, withinMs: 1000 }),
    ),
    "piping",
  );
  ref.tell({ type: "Start" });
  ref.tell({ type: "Break" });
  await clock.settle();
  gate.open();
  await clock.settle();
  expect(seen).toEqual([]);
  expect(system.deadLetters.recent).toMatchObject([{ path: "/user/piping", reason: "stale-result" }]);
});

test("piped results come back as messages, and their mapping may fail the actor", async () => {
  type Fetching = { type: "Start"; work: Promise<number> } | { type: "Done"; value: number | string };
  const { system, clock, defects } = createWorld();
  const seen: unknown[] = [];
  const ref = system.spawn(
    setup<Fetching>((context) =>
      receive({
        Start: ({ work }) =>
          context.pipeToSelf(work, {
            ok: (value) => {
              if (value < 0) throw new Error("negative");
              return { type: "Done", value };
            },
            failed: (error) => ({ type: "Done", value: error.message }),
          }),
        Done: ({ value }) => {
          seen.push(value);
        },
      }),
    ),
    "fetching",
  );
  ref.tell({ type: "Start", work: Promise.resolve(5) });
  ref.tell({ type: "Start", work: Promise.reject(new Error("offline")) });
  await clock.settle();
  expect(seen).toEqual([5, "offline"]);
  ref.tell({ type: "Start", work: Promise.resolve(-1) });
  await clock.settle();
  expect(defects).toMatchObject([{ error: { message: "negative" } }]);
});

test("I/O and timers get their turn while actors tell each other without end", async () => {
  const { system } = createWorld();
  type Ball = { type: "Ball" };
  let hits = 0;
  const ref: ActorRef<Ball> = system.spawn(
    setup<Ball>(({ self }) =>
      receive({
        Ball: () => {
          hits += 1;
          self.tell({ type: "Ball" });
        },
      }),
    ),
    "player",
  );
  ref.tell({ type: "Ball" });
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(hits).toBeGreaterThan(0);
  await system.stop(100);
});
