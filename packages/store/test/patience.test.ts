import { EventEmitter, once } from "node:events";
import { type Clock, createSeededRng, sleep } from "@castellan/kernel";
import { describe, expect, it } from "vitest";
import { createLine, type Line, patiently } from "../src/typeorm/patience.ts";

/** Time passes only in waits, which it records. */
function steppingClock(): Clock & { readonly waits: number[] } {
  let ms = 0;
  const waits: number[] = [];
  return {
    waits,
    now: () => new Date(ms),
    bootMs: () => ms,
    after(delayMs, fire) {
      waits.push(delayMs);
      queueMicrotask(() => {
        ms += delayMs;
        fire();
      });
      return { cancel: () => undefined };
    },
  };
}

const rng = createSeededRng(1);
const worthMs = (thrown: unknown): number => (thrown === "busy" ? 300 : 0);

const failing = (reason: string) => (): never => {
  throw reason;
};

describe("patience", () => {
  it("tries again until it works, with growing pauses", async () => {
    const clock = steppingClock();
    let attempts = 0;
    const result = await patiently(
      { clock, rng },
      () => 5000,
      () => {
        attempts += 1;
        if (attempts < 12) throw "busy";
        return attempts;
      },
    );
    expect(result).toBe(12);
    expect(clock.waits).toHaveLength(11);
    expect(clock.waits[0]).toBeLessThanOrEqual(3);
    expect(clock.waits.at(-1)).toBeGreaterThanOrEqual(25);
    expect(Math.max(...clock.waits)).toBeLessThanOrEqual(50);
  });

  it("ends with its budget, and keeps the reason", async () => {
    const clock = steppingClock();
    await expect(patiently({ clock, rng }, worthMs, failing("busy"))).rejects.toBe("busy");
    expect(clock.bootMs()).toBeGreaterThanOrEqual(300);
    expect(clock.bootMs()).toBeLessThan(400);
  });

  it("tries a second time although the first attempt took longer than the budget", async () => {
    const clock = steppingClock();
    let attempts = 0;
    const slowly = async (): Promise<number> => {
      attempts += 1;
      await sleep(clock, 5000);
      if (attempts === 1) throw "busy";
      return attempts;
    };
    expect(await patiently({ clock, rng }, worthMs, slowly)).toBe(2);
  });

  it("throws on at once what waiting does not cure", async () => {
    const clock = steppingClock();
    await expect(patiently({ clock, rng }, worthMs, failing("broken"))).rejects.toBe("broken");
    expect(clock.waits).toEqual([]);
  });
});

/** Work that has begun and goes on until the gate is opened. */
async function heldUp(line: Line): Promise<{ readonly first: Promise<void>; open(): void }> {
  const gate = new EventEmitter();
  const opened = once(gate, "open");
  const first = line.enter(async () => {
    gate.emit("begun");
    await opened;
  });
  await once(gate, "begun");
  return { first, open: () => gate.emit("open") };
}

describe("the line", () => {
  const limits = { bound: 10, waitMs: 1000 };

  it("does one thing at a time, in order, whatever fails", async () => {
    const line = createLine(steppingClock(), limits);
    const log: string[] = [];
    const job =
      (name: string, fails = false) =>
      async (): Promise<string> => {
        log.push(`${name} begins`);
        await Promise.resolve();
        log.push(`${name} ends`);
        if (fails) throw new Error(name);
        return name;
      };
    const outcomes = await Promise.allSettled([line.enter(job("a")), line.enter(job("b", true)), line.enter(job("c"))]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(log).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
  });

  it("turns away who comes when it is full, and has room again later", async () => {
    const line = createLine(steppingClock(), { ...limits, bound: 1 });
    const { first, open } = await heldUp(line);
    await expect(line.enter(async () => 1)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    open();
    await first;
    expect(await line.enter(async () => 2)).toBe(2);
  });

  it("does nothing for those who have waited too long, and goes on with those who have not", async () => {
    let nowMs = 0;
    const line = createLine({ bootMs: () => nowMs }, limits);
    const { first, open } = await heldUp(line);
    let begun = false;
    const late = expect(
      line.enter(async () => {
        begun = true;
      }),
    ).rejects.toMatchObject({ code: "STORE_UNAVAILABLE", retryable: true, message: expect.stringMatching(/1000 ms/) });
    nowMs = 1001;
    const inTime = line.enter(async () => "in time");
    open();
    await Promise.all([first, late]);
    expect(begun).toBe(false);
    expect(await inTime).toBe("in time");
  });

  it("is closed after all that wait, also when it is full and slow", async () => {
    let nowMs = 0;
    const line = createLine({ bootMs: () => nowMs }, { ...limits, bound: 1 });
    const { first, open } = await heldUp(line);
    const closed = line.afterAll(async () => "closed");
    nowMs = 5000;
    open();
    await first;
    expect(await closed).toBe("closed");
  });
});
