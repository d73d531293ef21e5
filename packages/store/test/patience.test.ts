import { type Clock, createSeededRng } from "@castellan/kernel";
import { describe, expect, it } from "vitest";
import { createLine, patiently } from "../src/typeorm/patience.ts";

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

  it("throws on at once what waiting does not cure", async () => {
    const clock = steppingClock();
    await expect(patiently({ clock, rng }, worthMs, failing("broken"))).rejects.toBe("broken");
    expect(clock.waits).toEqual([]);
  });
});

describe("the line", () => {
  it("does one thing at a time, in order, whatever fails", async () => {
    const inLine = createLine(10);
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
    const outcomes = await Promise.allSettled([inLine(job("a")), inLine(job("b", true)), inLine(job("c"))]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(log).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
  });

  it("turns away who comes when it is full, and has room again later", async () => {
    const inLine = createLine(1);
    const gate = new AbortController();
    const first = inLine(
      () => new Promise<void>((resolve) => gate.signal.addEventListener("abort", () => resolve(), { once: true })),
    );
    await expect(inLine(async () => 1)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await Promise.resolve();
    gate.abort();
    await first;
    expect(await inLine(async () => 2)).toBe(2);
  });
});
