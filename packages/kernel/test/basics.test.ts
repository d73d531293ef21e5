import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  backoffMs,
  CastellanError,
  createIdSource,
  createSeededRng,
  createSystemClock,
  Disposer,
  sleep,
  systemCode,
  toErrorShape,
} from "../src/index.ts";

describe("back-off", () => {
  it("grows from the first delay to the bound and never beyond", () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.nat(), (attempt, seed) => {
        const delay = backoffMs({ firstMs: 100, maxMs: 5000 }, attempt, createSeededRng(seed));
        expect(delay).toBeGreaterThanOrEqual(80);
        expect(delay).toBeLessThanOrEqual(5000);
      }),
    );
    expect(backoffMs({ firstMs: 100, maxMs: 5000, jitter: 0 }, 3, createSeededRng(1))).toBe(800);
  });
});

describe("ids", () => {
  it("are UUIDs of version 7 and sort as they were made, also within a millisecond and when the clock goes back", () => {
    let ms = 1_700_000_000_000;
    const newId = createIdSource({ now: () => new Date(ms) }, createSeededRng(7));
    const ids: string[] = [];
    for (let index = 0; index < 10_000; index += 1) {
      if (index === 5000) ms -= 60_000;
      ids.push(newId());
    }
    expect(ids.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id))).toBe(
      true,
    );
    expect(ids.toSorted()).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe("errors", () => {
  it("cross a border as their shape; a defect as INTERNAL", () => {
    const error = new CastellanError("LOCKED", "held by ann", { retryable: true, details: { by: "ann" } });
    expect(toErrorShape(error)).toEqual({
      code: "LOCKED",
      message: "held by ann",
      retryable: true,
      details: { by: "ann" },
    });
    expect(toErrorShape(new TypeError("x")).code).toBe("INTERNAL");
    expect(toErrorShape("text").message).toContain("text");
    expect(systemCode(Object.assign(new Error("x"), { code: "ENOSPC" }))).toBe("ENOSPC");
    expect(systemCode(null)).toBeUndefined();
  });
});

describe("the disposer", () => {
  it("undoes in reverse, once, and goes on when a step fails", async () => {
    const undone: string[] = [];
    const disposer = new Disposer(createSystemClock());
    disposer.add("first", () => void undone.push("first"));
    disposer.add("second", () => Promise.reject(new Error("stuck")));
    disposer.add("third", () => void undone.push("third"));
    expect((await disposer.dispose()).map(({ name }) => name)).toEqual(["second"]);
    expect(undone).toEqual(["third", "first"]);
    expect(await disposer.dispose()).toEqual([]);
  });

  it("names a step that never ends, and goes on when its time is over", async () => {
    const waits: { delayMs: number; fire: () => void }[] = [];
    const clock = {
      ...createSystemClock(),
      after(delayMs: number, fire: () => void) {
        waits.push({ delayMs, fire });
        return { cancel: () => undefined };
      },
    };
    const undone: string[] = [];
    const disposer = new Disposer(clock);
    disposer.add("first", () => void undone.push("first"));
    disposer.add("second", () => new Promise(() => undefined), 1500);
    const disposing = disposer.dispose();
    expect(disposer.current).toBe("second");
    expect(waits.map(({ delayMs }) => delayMs)).toEqual([1500]);
    waits[0]?.fire();
    expect(await disposing).toMatchObject([
      { name: "second", error: { code: "TIMED_OUT", message: "it has not ended within 1500 ms" } },
    ]);
    expect(undone).toEqual(["first"]);
    expect(disposer.current).toBeNull();
  });
});

describe("the system clock", () => {
  it("runs forward in boot time and fires no earlier than asked", async () => {
    const clock = createSystemClock();
    const before = clock.bootMs();
    await sleep(clock, 20);
    expect(clock.bootMs() - before).toBeGreaterThanOrEqual(19);
  });

  it("ends a sleep when its signal aborts", async () => {
    const controller = new AbortController();
    const asleep = sleep(createSystemClock(), 60_000, controller.signal);
    controller.abort();
    await asleep;
  });
});
