import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Asking, type Overflow, receive, setup, topics } from "../src/index.ts";
import { createWorld } from "./world.ts";

type Log = { type: "Note"; n: number } | { type: "Tick" } | Asking<{ type: "Get" }, readonly number[]>;

function createGate(): { gate: Promise<void>; open: () => void } {
  const made: { open: () => void } = { open: () => undefined };
  const gate = new Promise<void>((resolve) => {
    made.open = resolve;
  });
  return { gate, open: () => made.open() };
}

/** Holds its first message in hand until the gate opens, so that the mailbox fills. */
function startHeld(overflow: Overflow | undefined, capacity: number) {
  const world = createWorld();
  const seen: number[] = [];
  const { gate, open } = createGate();
  const ref = world.system.spawn(
    setup<Log>(({ timers }) => {
      timers.once("tick", 10, { type: "Tick" });
      return receive({
        Note: ({ n }) => {
          seen.push(n);
          return n === 0 ? gate : undefined;
        },
        Tick: () => void seen.push(-1),
        Get: (_message, replyTo) => replyTo.success([...seen]),
      });
    }),
    "log",
    { mailbox: { capacity, ...(overflow === undefined ? {} : { overflow }) } },
  );
  ref.tell({ type: "Note", n: 0 });
  return { ...world, ref, seen, open };
}

const soon = { timeoutMs: 100_000 };

describe("a full mailbox", () => {
  test("dead-letter: the newest is a dead letter, and counted in the tree", async () => {
    const { system, clock, ref, seen, open } = startHeld(undefined, 2);
    await clock.settle();
    for (const n of [1, 2, 3]) ref.tell({ type: "Note", n });
    open();
    await clock.settle();
    expect(seen).toEqual([0, 1, 2]);
    expect(system.deadLetters.byReason).toEqual({ "mailbox-full": 1 });
    expect(system.tree()).toMatchObject([{ dropped: 1, highWater: 2, processed: 3 }]);
  });

  test("drop-new and drop-old: what goes is only counted", async () => {
    for (const [overflow, kept] of [
      ["drop-new", [0, 1, 2]],
      ["drop-old", [0, 3, 4]],
    ] as const) {
      const { system, clock, ref, seen, open } = startHeld(overflow, 2);
      await clock.settle();
      for (const n of [1, 2, 3, 4]) ref.tell({ type: "Note", n });
      open();
      await clock.settle();
      expect(seen).toEqual(kept);
      expect(system.deadLetters.count).toBe(0);
      expect(system.tree()).toMatchObject([{ dropped: 2 }]);
    }
  });

  test("drop-old: an ask that has to go is refused; timers stay, however old", async () => {
    const { clock, ref, seen, open } = startHeld("drop-old", 2);
    await clock.run(10); // the timer's firing is the oldest that waits
    const asked = ref.ask({ type: "Get" }, soon).catch((thrown: unknown) => thrown);
    for (const n of [1, 2, 3]) ref.tell({ type: "Note", n });
    expect(await asked).toMatchObject({ code: "MAILBOX_FULL", retryable: true });
    open();
    await clock.settle();
    expect(seen).toEqual([0, -1, 3]);
  });

  test("fail: the teller gets it thrown, the asker refused", async () => {
    const { system, clock, ref, seen, open } = startHeld("fail", 1);
    await clock.settle();
    ref.tell({ type: "Note", n: 1 });
    expect(() => ref.tell({ type: "Note", n: 2 })).toThrow(expect.objectContaining({ code: "MAILBOX_FULL" }));
    await expect(ref.ask({ type: "Get" }, soon)).rejects.toMatchObject({ code: "MAILBOX_FULL" });
    open();
    await clock.settle();
    expect(seen).toEqual([0, 1]);
    expect(system.deadLetters.count).toBe(0);
  });

  test("every policy keeps at most its capacity, loses exactly what it counts, and keeps the order", async () => {
    const policies = fc.constantFrom<Overflow>("dead-letter", "drop-new", "drop-old", "fail");
    await fc.assert(
      fc.asyncProperty(policies, fc.integer({ min: 1, max: 8 }), fc.nat(30), async (overflow, capacity, sent) => {
        const { system, clock, ref, seen, open } = startHeld(overflow, capacity);
        await clock.settle();
        let thrown = 0;
        for (let n = 1; n <= sent; n += 1) {
          try {
            ref.tell({ type: "Note", n });
          } catch {
            thrown += 1; // the policy `fail`
          }
        }
        open();
        await clock.settle();
        const lost = Math.max(0, sent - capacity);
        const all = Array.from({ length: sent }, (_, n) => n + 1);
        expect(seen).toEqual([0, ...(overflow === "drop-old" ? all.slice(lost) : all.slice(0, sent - lost))]);
        expect(system.tree()[0]?.dropped).toBe(lost);
        expect(system.deadLetters.count).toBe(overflow === "dead-letter" ? lost : 0);
        expect(thrown).toBe(overflow === "fail" ? lost : 0);
        await system.stop(0);
      }),
      { numRuns: 40 },
    );
  });

  test("an event that its subscriber cannot take is not published again", async () => {
    const { system, clock } = createWorld();
    let published = 0;
    system.events.subscribe(topics.deadLetter, () => {
      published += 1;
    });
    system.spawn(
      setup<{ type: "Heard" }>((context) => {
        context.subscribe(topics.deadLetter, () => ({ type: "Heard" }));
        return receive({ Heard: () => new Promise<void>(() => undefined) });
      }),
      "listener",
      { mailbox: { capacity: 1 } },
    );
    await clock.settle();
    const gone = system.remote({ actor: "nobody", messages: {} } as const, { host: "nowhere" });
    for (let n = 0; n < 5; n += 1) (gone as { tell(message: { type: string }): void }).tell({ type: "X" });
    await clock.settle();
    expect(published).toBe(5);
    expect(system.deadLetters.byReason).toMatchObject({ "mailbox-full": 4 });
    const over = system.stop(0);
    await clock.run(1);
    await over;
  });
});
