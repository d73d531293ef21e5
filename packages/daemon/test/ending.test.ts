import { createSystemClock } from "@castellan/kernel";
import { describe, expect, it } from "vitest";
import {
  createEnding,
  PART_ENDS_WITHIN_MS,
  WATCHER_ENDS_WITHIN_MS,
  WATCHER_WAITS_MS,
  WORKER_ENDS_WITHIN_MS,
} from "../src/program/ending.ts";

/** Every wait is over as soon as somebody waits. */
const hasty = {
  ...createSystemClock(),
  after(_delayMs: number, fire: () => void) {
    const due = setImmediate(fire);
    return { cancel: () => clearImmediate(due) };
  },
};
const forEver = (): Promise<void> => new Promise(() => undefined);

describe("the end of a worker", () => {
  it("leaves each part its time, and its watcher waits longer than all of them", () => {
    const all = Object.values(PART_ENDS_WITHIN_MS).reduce((sum, ms) => sum + ms, 0);
    expect(all).toBeLessThan(WORKER_ENDS_WITHIN_MS);
    expect(WORKER_ENDS_WITHIN_MS).toBeLessThan(WATCHER_WAITS_MS);
    expect(WATCHER_WAITS_MS).toBeLessThan(WATCHER_ENDS_WITHIN_MS);
  });

  it("comes also when a part never ends, and names it", async () => {
    const ended: string[] = [];
    const ending = createEnding(hasty);
    ending.add("lock", () => void ended.push("lock"));
    ending.add("pair", () => void ended.push("pair"));
    ending.add("bus", forEver);
    ending.add("database", forEver);
    ending.add("heartbeat", () => void ended.push("heartbeat"));
    const late = await ending.dispose();
    expect(late.map(({ name, error }) => `${name}: ${error.message}`)).toEqual([
      "database: it has not ended within 4000 ms",
      "bus: it has not ended within 3000 ms",
    ]);
    expect(ended).toEqual(["heartbeat", "pair", "lock"]);
  });

  it("says what it waits for", async () => {
    const ending = createEnding(createSystemClock());
    let seen: string | null = null;
    ending.add("lock", () => undefined);
    ending.add("steward", () => {
      seen = ending.current;
    });
    await ending.dispose();
    expect(seen).toBe("steward");
  });
});
