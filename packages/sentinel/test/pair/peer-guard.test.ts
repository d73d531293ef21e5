import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { beginGuard, decidePeer, type PeerGuard, SILENCE_MS, START_GRACE_MS } from "../../src/pair/peer-guard.ts";

const run = (guard: PeerGuard, seen: { alive: boolean; progressAt: number | null }, from: number, to: number) => {
  const actions: { at: number; action: string }[] = [];
  let now = from;
  for (; now <= to; now += 100) {
    const decided = decidePeer(guard, seen, now);
    guard = decided.guard;
    if (decided.action !== "none") actions.push({ at: now, action: decided.action });
  }
  return { guard, actions };
};

describe("guarding the peer", () => {
  it("launches a peer that is gone, at once", () => {
    expect(decidePeer(beginGuard(false, 0), { alive: false, progressAt: null }, 0).action).toBe("launch");
  });

  it("does not launch a second time while the first may be starting", () => {
    const first = decidePeer(beginGuard(false, 0), { alive: false, progressAt: null }, 0);
    const { actions } = run(first.guard, { alive: true, progressAt: null }, 100, START_GRACE_MS - 100);
    expect(actions).toEqual([]);
  });

  it("kills a peer that lives but shows no progress, and launches only when it is gone", () => {
    const guard = beginGuard(true, 0);
    const frozen = run(guard, { alive: true, progressAt: 20_000 }, 20_000 - 100, 20_000 + SILENCE_MS + 200);
    expect(frozen.actions[0]?.action).toBe("kill");
    expect(frozen.actions.every(({ action }) => action === "kill")).toBe(true);
    const at = 20_000 + SILENCE_MS + 300;
    expect(decidePeer(frozen.guard, { alive: false, progressAt: 20_000 }, at).action).toBe("launch");
  });

  it("waits out the grace of a start only for the first progress", () => {
    const { guard } = decidePeer(beginGuard(false, 0), { alive: false, progressAt: null }, 0);
    const { actions } = run(guard, { alive: true, progressAt: 500 }, 500, START_GRACE_MS);
    expect(actions[0]).toEqual({ at: 500 + SILENCE_MS, action: "kill" });
  });

  it("judges nobody after it was itself not running", () => {
    const watching = run(beginGuard(true, 0), { alive: true, progressAt: 20_000 }, 20_000, 20_100).guard;
    const woken = decidePeer(watching, { alive: true, progressAt: 20_000 }, 90_000);
    expect(woken.action).toBe("none");
    expect(decidePeer(woken.guard, { alive: true, progressAt: 20_000 }, 90_000 + 900).action).toBe("none");
  });

  it("spreads launches that follow each other closely", () => {
    const { actions } = run(beginGuard(false, 0), { alive: false, progressAt: null }, 0, 9_900);
    expect(actions.length).toBeLessThan(12);
    expect(actions.length).toBeGreaterThanOrEqual(5);
  });

  it("launches only what is gone and kills only what lives, whatever it sees", () => {
    const step = fc.record({
      wait: fc.integer({ min: 1, max: 20_000 }),
      alive: fc.boolean(),
      progressAgo: fc.option(fc.integer({ min: 0, max: 30_000 })),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let now = 0;
        let guard = beginGuard(false, now);
        for (const { wait, alive, progressAgo } of steps) {
          now += wait;
          const decided = decidePeer(
            guard,
            { alive, progressAt: progressAgo === null ? null : now - progressAgo },
            now,
          );
          guard = decided.guard;
          if (decided.action === "launch") expect(alive).toBe(false);
          if (decided.action === "kill") expect(alive).toBe(true);
        }
      }),
    );
  });
});
