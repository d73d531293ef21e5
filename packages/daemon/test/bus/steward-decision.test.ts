/** What the bus needs next: by hand where it matters, and for all small buses that it comes to rest where it should. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type BusView, nextBusStep, type StreamPlace } from "../../src/bus/steward-decision.ts";

const stream = (leader: string | null, copies: number, ...others: string[]): StreamPlace => ({
  leader,
  copies,
  replicas: others.map((name) => ({ name, isCurrent: true })),
});
const group = (leader: string, ...peers: string[]) => ({ leader, peers: [leader, ...peers] });

describe("the next step for the bus", () => {
  it.each<[string, BusView, ReturnType<typeof nextBusStep>]>([
    ["nothing while nobody leads", { members: ["a"], group: null, stream: null }, { kind: "nothing" }],
    [
      "nothing when all is well",
      { members: ["a", "b"], group: group("a", "b"), stream: stream("a", 1) },
      { kind: "nothing" },
    ],
    [
      "three copies with the third server",
      { members: ["a", "b", "c"], group: group("a", "b", "c"), stream: stream("a", 1) },
      { kind: "copies", copies: 3 },
    ],
    [
      "not for a server that has not come yet",
      { members: ["a", "b", "c"], group: group("a", "b"), stream: stream("a", 1) },
      { kind: "nothing" },
    ],
    [
      "another leads before the last copy goes",
      { members: ["a", "b"], group: group("a", "b", "c"), stream: stream("c", 3, "a", "b") },
      { kind: "streamStepDown" },
    ],
    [
      "a copy is made before the only one goes",
      { members: ["a"], group: group("a", "b"), stream: stream("b", 1) },
      { kind: "copies", copies: 2 },
    ],
    [
      "back to one copy",
      { members: ["a", "b"], group: group("a", "b", "c"), stream: stream("a", 3, "b", "c") },
      { kind: "copies", copies: 1 },
    ],
    [
      "who leads the group hands over first",
      { members: ["a"], group: group("b", "a"), stream: stream("a", 1) },
      { kind: "groupStepDown" },
    ],
    ["then it goes", { members: ["a"], group: group("a", "b"), stream: stream("a", 1) }, { kind: "evict", peer: "b" }],
    [
      "nobody is put out for nobody",
      { members: [], group: group("a", "b"), stream: stream("a", 1) },
      { kind: "nothing" },
    ],
  ])("%s", (_, view, step) => {
    expect(nextBusStep(view)).toEqual(step);
  });

  it("comes to rest with the members alone, and never gives up the last copy", () => {
    const names = ["a", "b", "c", "d"];
    fc.assert(
      fc.property(
        fc.subarray(names, { minLength: 1 }),
        fc.subarray(names, { minLength: 1 }),
        fc.nat(3),
        fc.nat(3),
        fc.integer({ min: 1, max: 3 }),
        (members, peers, leads, holds, copies) => {
          fc.pre(peers.some((name) => members.includes(name)));
          const view = begin(members, peers, leads, holds, copies);
          for (let steps = 0; steps < 20; steps += 1) {
            const step = nextBusStep(view);
            if (step.kind === "nothing") break;
            perform(view, step);
            expect(view.holders.length).toBeGreaterThan(0);
          }
          expect(nextBusStep(view)).toEqual({ kind: "nothing" });
          const staying = peers.filter((name) => members.includes(name));
          expect(view.group.peers.toSorted()).toEqual(staying.toSorted());
          expect(view.holders).toHaveLength(staying.length >= 3 ? 3 : 1);
          expect(view.holders.every((name) => members.includes(name))).toBe(true);
        },
      ),
    );
  });
});

interface Bus extends BusView {
  members: string[];
  group: { leader: string; peers: string[] };
  /** The first leads the stream. */
  holders: string[];
}

function begin(members: string[], peers: string[], leads: number, holds: number, copies: number): Bus {
  const at = (index: number): string => peers[index % peers.length] ?? "";
  const holders = [at(holds), ...peers.filter((name) => name !== at(holds))].slice(0, copies);
  return {
    members,
    group: { leader: at(leads), peers: [...peers] },
    holders,
    get stream() {
      const [leader = null, ...others] = this.holders;
      return stream(leader, this.holders.length, ...others);
    },
  };
}

/** As NATS would: what is taken from a holder that is put out is given to another server. */
function perform(bus: Bus, step: ReturnType<typeof nextBusStep>): void {
  const free = (): string[] => bus.group.peers.filter((name) => !bus.holders.includes(name));
  switch (step.kind) {
    case "copies":
      while (bus.holders.length < step.copies) bus.holders.push(free()[0] ?? "");
      bus.holders.length = step.copies;
      return;
    case "streamStepDown": {
      const heir = bus.holders.find((name, i) => i > 0 && bus.members.includes(name)) ?? "";
      bus.holders = [heir, ...bus.holders.filter((name) => name !== heir)];
      return;
    }
    case "groupStepDown":
      bus.group.leader = bus.group.peers.find((name) => bus.members.includes(name)) ?? "";
      return;
    case "evict": {
      bus.group.peers = bus.group.peers.filter((name) => name !== step.peer);
      const [heir] = free();
      bus.holders = bus.holders.flatMap((name) => (name !== step.peer ? [name] : heir === undefined ? [] : [heir]));
      return;
    }
    case "nothing":
  }
}
