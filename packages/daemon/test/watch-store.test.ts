import { describe, expect, it } from "vitest";
import { mustRestart } from "../src/nats-server/watch-store.ts";

const never = { restarts: 0, lastRestartMs: 0 };

const pauseAfter = (restarts: number): number => {
  let ms = 0;
  while (!mustRestart({ restarts, lastRestartMs: 0 }, 60_000, ms)) ms += 1000;
  return ms;
};

describe("a bus that stores nothing", () => {
  it("is restarted after a while, not at the first refusal, and not while it stores or is away", () => {
    expect(mustRestart(never, null, 1e6)).toBe(false);
    expect(mustRestart(never, 9_999, 1e6)).toBe(false);
    expect(mustRestart(never, 10_000, 1e6)).toBe(true);
  });

  it("is given a minute where it is a member of a cluster: others may be what is missing", () => {
    expect(mustRestart(never, 59_999, 1e6, true)).toBe(false);
    expect(mustRestart(never, 60_000, 1e6, true)).toBe(true);
  });

  it("is restarted again with growing, bounded pauses", () => {
    expect([1, 2, 3, 9].map(pauseAfter)).toEqual([15_000, 30_000, 60_000, 300_000]);
  });
});
