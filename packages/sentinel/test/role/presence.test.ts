import { describe, expect, it } from "vitest";
import { callRoll, type Seen, SILENT_MS } from "../../src/role/presence.ts";

const row = (id: number, at: number, incarnation = 1) => ({
  logical_machine_id: id,
  incarnation,
  last_seen_at: new Date(at),
});
const recorded = (state: string) => [{ logical_machine_id: 1, state }];
const none: ReadonlyMap<number, Seen> = new Map();

describe("the roll call", () => {
  it("judges nobody at the first look, whatever the times in the rows say", () => {
    expect(callRoll(none, [row(1, 0)], recorded("up"), 1e9).changes.size).toBe(0);
    expect(callRoll(none, [row(1, 0)], recorded("down"), 1e9).changes.size).toBe(0);
  });

  it("finds a server up when its sign changes, also backwards, also only its incarnation", () => {
    const { known } = callRoll(none, [row(1, 5000)], recorded("down"), 0);
    expect(callRoll(known, [row(1, 4000)], recorded("down"), 2000).changes.get(1)).toBe("up");
    expect(callRoll(known, [row(1, 5000, 2)], recorded("down"), 2000).changes.get(1)).toBe("up");
    expect(callRoll(known, [row(1, 9000)], recorded("up"), 2000).changes.size).toBe(0);
  });

  it("finds it down after a silence measured here, once", () => {
    const { known } = callRoll(none, [row(1, 5000)], recorded("up"), 0);
    expect(callRoll(known, [row(1, 5000)], recorded("up"), SILENT_MS).changes.size).toBe(0);
    expect(callRoll(known, [row(1, 5000)], recorded("up"), SILENT_MS + 1).changes.get(1)).toBe("down");
    expect(callRoll(known, [row(1, 5000)], recorded("down"), SILENT_MS + 1).changes.size).toBe(0);
  });
});
