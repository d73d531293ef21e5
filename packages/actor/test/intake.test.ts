import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createIntake } from "../src/transport/nats/intake.ts";

/** An event loop by hand: handling a message takes `costMs`, a turn begins when it is told to. */
function loop(costMs: number) {
  let nowMs = 0;
  let turns: (() => void)[] = [];
  const handled: number[] = [];
  const intake = createIntake<number>(
    (message) => {
      nowMs += costMs;
      handled.push(message);
    },
    () => nowMs,
    (work) => turns.push(work),
  );
  const turn = (): boolean => {
    const due = turns;
    turns = [];
    for (const work of due) work();
    return turns.length > 0;
  };
  return { intake, handled, turn, now: () => nowMs };
}

describe("the intake", () => {
  test("handles a lone message at once", () => {
    const { intake, handled } = loop(1);
    expect(intake.take(1, 10)).toBe(true);
    expect(handled).toEqual([1]);
  });

  test("gives a turn of the loop back when its time is used up, whatever still waits", () => {
    const { intake, handled, turn, now } = loop(1);
    for (let message = 0; message < 1000; message += 1) intake.take(message, 10);
    expect(handled.length).toBeLessThan(50);
    let before = now();
    while (turn()) {
      expect(now() - before).toBeLessThan(50);
      before = now();
    }
    expect(handled).toEqual(Array.from({ length: 1000 }, (_, at) => at));
  });

  test("tells when all that it took is handled", async () => {
    const { intake, handled, turn } = loop(10);
    await intake.emptied();
    for (let message = 0; message < 100; message += 1) intake.take(message, 10);
    const handledThen = intake.emptied().then(() => handled.length);
    while (turn());
    expect(await handledThen).toBe(100);
  });

  test("takes no more than there is room for, in number and in bytes, and again when there is room", () => {
    const many = loop(1);
    const taken = Array.from({ length: 60_000 }, (_, at) => many.intake.take(at, 1)).filter(Boolean).length;
    expect(taken).toBeGreaterThanOrEqual(50_000);
    expect(taken).toBeLessThan(50_100);
    many.turn();
    expect(many.intake.take(0, 1)).toBe(true);

    const large = loop(100);
    const kept = Array.from({ length: 100 }, (_, at) => large.intake.take(at, 1024 * 1024)).filter(Boolean).length;
    expect(kept).toBe(32 + 16);
  });

  test("keeps the order, however messages and turns alternate", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 60 }), fc.nat(5), (bursts, costMs) => {
        const { intake, handled, turn } = loop(costMs);
        let next = 0;
        for (const burst of bursts) {
          for (let count = 0; count < burst; count += 1) intake.take(next++, 1);
          turn();
        }
        while (turn());
        expect(handled).toEqual(Array.from({ length: next }, (_, at) => at));
      }),
    );
  });
});
