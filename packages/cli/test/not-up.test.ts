import { describe, expect, it } from "vitest";
import { type NotUpFacts, notUpHere } from "../src/upgrade/not-up.ts";

const NEXT = 20;
const gone = { worker: null, watcher: null, refused: null, exchange: "none" } as const;
const facts = (pair: Partial<NotUpFacts["pair"]>, hasEnded: boolean, isLate: boolean): NotUpFacts => ({
  server: "hades",
  home: "/srv/ips1",
  pair: { ...gone, ...pair },
  launched: { pid: NEXT, hasEnded },
  isLate,
});
const said = (...args: Parameters<typeof facts>) => {
  const error = notUpHere(facts(...args));
  return error === null ? null : `${error.code}: ${error.message}`;
};

describe("a sentinel that was exchanged and is not up", () => {
  it("may still come while it has time", () => {
    expect(said({}, false, false)).toBeNull(); // just launched over an interrupted exchange
    expect(said({ exchange: "under way" }, false, false)).toBeNull();
    expect(said({ watcher: 10, worker: 11, exchange: "under way" }, false, false)).toBeNull();
    expect(said({ watcher: 10, worker: 11 }, true, false)).toBeNull(); // another call was at it, or is done
    expect(said({ watcher: NEXT }, false, false)).toBeNull();
    expect(said({ exchange: "under way" }, true, false)).toBeNull();
  });

  it("is gone at once when the one that was launched has ended and nobody else is at it", () => {
    expect(said({}, true, false)).toMatch(/^NOT_EXCHANGED: no sentinel of hades is left.*processes run on/);
    expect(said({ exchange: "interrupted" }, true, false)).toMatch(/castellan up --detach --home \/srv\/ips1/);
    expect(said({}, false, true)).toMatch(/^NOT_EXCHANGED/);
    expect(said({ refused: "no member" }, true, false)).toBe("NOT_A_MEMBER: no member");
  });

  it("after its time the old one is told from a new one that does not work", () => {
    expect(said({ watcher: 10, worker: 11 }, true, true)).toMatch(/^TIMED_OUT: .*the old one goes on/);
    expect(said({ exchange: "under way" }, false, true)).toMatch(/^TIMED_OUT/);
    expect(said({ watcher: NEXT }, false, true)).toMatch(
      /^NOT_EXCHANGED: the new sentinel of hades does not come up; its processes run on[^]*kill 20`, then `castellan up/,
    );
  });
});
