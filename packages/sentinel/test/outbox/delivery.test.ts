import { createSeededRng } from "@castellan/kernel";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Delivery,
  type DeliveryEvent,
  decideDelivery,
  messageIdOf,
  nextToSend,
  startDelivery,
  WINDOW,
} from "../../src/outbox/delivery.ts";

const rng = createSeededRng(1);
const decide = (state: Delivery, event: DeliveryEvent, now: number) => decideDelivery(state, event, now, rng);
const fresh = (last = 0) => decide(startDelivery({ last: 0, confirmed: 0 }, 7, 0), { type: "accepted", last }, 0);

/** Sends all that may be sent, as the outbox does; gives the message ids in order. */
function drain(state: Delivery, now: number): { state: Delivery; sent: number[]; ids: string[] } {
  const sent: number[] = [];
  const ids: string[] = [];
  let next = state;
  for (let number = nextToSend(next, now); number !== null; number = nextToSend(next, now)) {
    sent.push(number);
    ids.push(messageIdOf(next, { number, id: `a${number}` }));
    next = decide(next, { type: "sent", number }, now);
  }
  return { state: next, sent, ids };
}

const stored = (state: Delivery, count: number, now: number): Delivery =>
  Array.from({ length: count }).reduce<Delivery>((next) => decide(next, { type: "stored" }, now), state);

describe("what an outbox sends next", () => {
  it("sends in order under the alert's own id, a window at a time", () => {
    const { sent, ids, state } = drain(fresh(300), 0);
    expect(sent).toEqual(Array.from({ length: WINDOW }, (_, at) => at + 1));
    expect(ids[0]).toBe("a1");
    expect(drain(stored(state, 10, 1), 1).sent).toHaveLength(10);
  });

  it("goes back to the first that failed, after a pause, under another message id", () => {
    const first = drain(fresh(5), 0);
    let state = stored(first.state, 2, 1);
    for (const number of [3, 4, 5]) state = decide(state, { type: "failed", number, round: 7 }, 1);
    expect(state.failures).toBe(1);
    expect(drain(state, 2).sent).toEqual([]);
    const again = drain(state, 1000);
    expect([again.sent, again.ids]).toEqual([
      [3, 4, 5],
      ["a3.8", "a4.8", "a5.8"],
    ]);
  });

  it("sends the first unconfirmed again after 5 s without a word from the desk, then waits longer each time", () => {
    let state = stored(drain(fresh(600), 0).state, 256, 0);
    state = stored(drain(state, 0).state, 256, 0);
    state = stored(drain(state, 0).state, 88, 0);
    const probes: number[] = [];
    for (let now = 0; now < 200_000; now += 1000) {
      const { sent, state: next } = drain(decide(state, { type: "tick" }, now), now);
      state = stored(next, sent.length, now);
      if (sent.length > 0) {
        expect([sent[0], sent.length]).toEqual([1, 256]);
        probes.push(now / 1000);
      }
    }
    expect(probes).toEqual([5, 15, 35, 75, 135, 195]);
  });

  it("follows an answered probe with a larger one, so that a lost stream is made good within seconds", () => {
    let state = fresh(20_000);
    let drained = drain(state, 0);
    while (drained.sent.length > 0) drained = drain(stored(drained.state, drained.sent.length, 0), 0);
    state = drained.state;
    // All of that was lost; from now on whatever is sent is confirmed at once.
    let now = 0;
    for (; state.confirmed < 20_000 && now < 60_000; now += 1000) {
      state = decide(state, { type: "tick" }, now);
      for (let round = drain(state, now); round.sent.length > 0; round = drain(state, now)) {
        state = stored(round.state, round.sent.length, now);
        state = decide(state, { type: "confirmed", number: round.sent.at(-1) ?? 0 }, now);
      }
    }
    expect(state.confirmed).toBe(20_000);
    expect(now).toBeLessThan(20_000);
  });

  it("does not send again what a slow desk is working through", () => {
    let state = stored(drain(fresh(200), 0).state, 200, 0);
    for (let now = 0; now < 150_000; now += 800) {
      state = decide(state, { type: "confirmed", number: state.confirmed + 1 }, now);
      expect(drain(decide(state, { type: "tick" }, now), now).sent).toEqual([]);
    }
  });

  it("rewinds to the gap the desk names, once a second, and to the oldest it still has", () => {
    const state = stored(drain(fresh(50), 0).state, 50, 0);
    const missed = decide(state, { type: "missed", after: 10, oldest: 1 }, 100);
    expect(drain(missed, 100).sent[0]).toBe(11);
    const again = decide(drain(missed, 100).state, { type: "missed", after: 10, oldest: 1 }, 200);
    expect(drain(again, 200).sent).toEqual([]);
    const confirmed = decide(state, { type: "confirmed", number: 50 }, 100);
    const older = decide(confirmed, { type: "missed", after: 0, oldest: 31 }, 100);
    expect(drain(older, 100).sent).toEqual(Array.from({ length: 20 }, (_, at) => at + 31));
  });

  it("gives everything unconfirmed of an earlier life a message id of its own", () => {
    const state = startDelivery({ last: 3, confirmed: 1 }, 1234, 0);
    expect(drain(state, 0).ids).toEqual(["a2.1234", "a3.1234"]);
  });

  it("property: over a bus that fails and loses, to a desk that comes and goes, everything is recorded in the end", () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 400 }), (seed, total) => {
        const chance = createSeededRng(seed);
        let state = fresh(0);
        let applied = 0;
        let now = 0;
        let sane = true;
        const bus: number[] = [];
        const answer = (event: DeliveryEvent): void => {
          state = decide(state, event, now);
        };
        for (let turn = 0; turn < 1000 && applied < total; turn += 1) {
          const healthy = turn > 100;
          if (state.last < total) answer({ type: "accepted", last: Math.min(total, state.last + 7) });
          const { sent, state: after } = drain(state, now);
          const { round } = state;
          state = after;
          for (const number of sent) {
            if (!healthy && chance.next() < 0.2) answer({ type: "failed", number, round });
            else {
              answer({ type: "stored" });
              if (healthy || chance.next() > 0.2) bus.push(number);
            }
          }
          if (healthy || chance.next() < 0.5) {
            for (const number of bus.splice(0)) {
              if (number === applied + 1) applied = number;
              else if (number > applied) answer({ type: "missed", after: applied, oldest: 1 });
            }
            if (healthy || chance.next() < 0.7) answer({ type: "confirmed", number: applied });
          }
          now += 500;
          answer({ type: "tick" });
          sane &&= state.inFlight === 0 && state.confirmed <= applied;
        }
        expect([applied, sane]).toEqual([total, true]);
      }),
      { numRuns: 30 },
    );
  });
});
