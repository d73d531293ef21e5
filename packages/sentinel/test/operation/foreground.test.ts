import type { ServerState } from "@castellan/protocol";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decideForeground, type ForegroundView, MOST_HAND_BACKS, straysOf } from "../../src/operation/foreground.ts";
import { planMove } from "../../src/operation/move.ts";
import { lookAt } from "../../src/operation/sights.ts";
import { must, type NodeSketch, nodeView } from "./views.ts";

/** The foreground lives on hades, and zeus (2) is master. */
const SKETCH: NodeSketch = {
  types: {
    WQS: { layer: "foreground" },
    WIS: { layer: "foreground", dependsOn: ["WQS"] },
    BG: { dependsOn: ["WIS"] },
    LOG: { dependsOn: [{ type: "WIS", onRestart: "restart" }] },
    CACHE: { dependsOn: [{ type: "WIS", onRestart: "stop" }] },
  },
  servers: { hades: { WQS: 1, WIS: 2, BG: 1 }, zeus: { BG: 1, LOG: 1, CACHE: 1 } },
  status: { WQS: "RUNNING", WIS: "RUNNING", BG: "RUNNING", LOG: "RUNNING", CACHE: "RUNNING" },
};
const NODE = { ...nodeView(SKETCH), masterId: 2 };

const seen = (state: ServerState, at: number) => [
  { id: 1, name: "hades", state, lastSeen: new Date(at), incarnation: 1, isMissed: false },
  { id: 2, name: "zeus", state: "up" as const, lastSeen: null, incarnation: 1, isMissed: false },
];

function view(hades: ServerState, more: Partial<ForegroundView> = {}, isNew = true): ForegroundView {
  const before = lookAt(seen(hades, 0), new Map(), 0);
  return {
    masterId: 2,
    instances: NODE.instances,
    types: NODE.types,
    sights: isNew ? lookAt(seen(hades, 1), before, 1) : before,
    handover: "unplanned",
    returnedTo: null,
    grantsOver: new Set(),
    asked: new Map(),
    ...more,
  };
}

const kind = (seen: ForegroundView): string => {
  const decision = decideForeground(seen);
  return decision.kind === "move" ? `move, confirmed: ${decision.isConfirmed}` : decision.kind;
};

describe("foreground that is not on the master", () => {
  it("follows a person's word at once, in order", () => {
    expect(kind(view("up", { handover: "planned" }))).toBe("move, confirmed: false");
    expect(kind(view("up", { handover: "planned" }, false))).toBe("move, confirmed: false");
  });

  it("of a server that was lost as master stays until its grant is over", () => {
    expect(kind(view("suspect", { grantsOver: new Set([1]) }))).toBe("wait");
    expect(kind(view("down"))).toBe("wait");
    expect(kind(view("down", { handover: "planned" }))).toBe("wait");
    expect(kind(view("down", { grantsOver: new Set([1]) }))).toBe("move, confirmed: true");
    expect(kind(view("isolated", { grantsOver: new Set([1]) }))).toBe("move, confirmed: true");
  });

  it("of a server that returns first has mastership back, once", () => {
    expect(kind(view("up", {}, false))).toBe("wait"); // what the rows say of it may be old
    expect(kind(view("up"))).toBe("hand-back");
    expect(kind(view("up", { returnedTo: 1 }))).toBe("move, confirmed: false");
    expect(kind(view("up", { asked: new Map([[1, MOST_HAND_BACKS]]) }))).toBe("move, confirmed: false");
  });

  it("is none when it is where it should be, or when its number is taken there", () => {
    expect(kind(view("up", { masterId: 1 }))).toBe("none");
    expect(kind(view("up", { masterId: null }))).toBe("none");
    const both = { ...nodeView({ ...SKETCH, servers: { hades: { WQS: 1, WIS: 1 }, zeus: { WIS: 1 } } }), masterId: 2 };
    expect(straysOf(both).map(({ type }) => type)).toEqual(["WQS"]);
  });

  it("never moves from a server that is missing while its grant may hold", () => {
    const states = fc.constantFrom<ServerState>("up", "suspect", "down", "isolated");
    const any = fc.record({
      handover: fc.constantFrom("planned" as const, "unplanned" as const),
      returnedTo: fc.constantFrom(null, 1, 2),
      grantsOver: fc.constantFrom(new Set<number>(), new Set([1])),
      asked: fc.nat(4).map((count) => new Map([[1, count]])),
    });
    fc.assert(
      fc.property(states, any, fc.boolean(), (hades, drawn, isNew) => {
        const decision = decideForeground(view(hades, drawn, isNew));
        if (decision.kind !== "move") return;
        expect(hades).not.toBe("suspect");
        expect(decision.isConfirmed).toBe(hades !== "up");
        if (hades !== "up") expect(drawn.grantsOver.has(1)).toBe(true);
      }),
    );
  });
});

describe("the move", () => {
  const onForeground = new Set(["WQS", "WIS"]);
  const foreground = NODE.instances.filter(({ serverId, type }) => serverId === 1 && type !== "BG");
  const told = (isConfirmed: boolean): string[] =>
    planMove(foreground, must(NODE.servers[1]), NODE, isConfirmed).steps.map(
      ({ seq, type, instance, server, desired, dependsOn }) =>
        `${seq} ${type} ${instance}@${server} ${desired} after ${dependsOn.map((range) => range.join("-")).join(",") || "nothing"}`,
    );

  it("stops there in reverse, then starts here in order, and treats dependents as a restart does", () => {
    expect(told(false)).toEqual([
      "1 CACHE 1@zeus STOPPED after nothing",
      "2 WIS 2@hades HELD after 1-1",
      "3 WIS 1@hades HELD after 1-1",
      "4 WQS 1@hades HELD after 1-1,2-3",
      "5 WQS 1@zeus RUNNING after 1-4",
      "6 WIS 1@zeus RUNNING after 1-4,5-5",
      "7 WIS 2@zeus RUNNING after 1-4,5-5",
      "8 LOG 1@zeus RESTARTED after 5-7",
    ]);
  });

  it("only starts what has certainly ended there", () => {
    expect(told(true)).toEqual([
      "1 CACHE 1@zeus STOPPED after nothing",
      "2 WQS 1@zeus RUNNING after 1-1",
      "3 WIS 1@zeus RUNNING after 1-1,2-2",
      "4 WIS 2@zeus RUNNING after 1-1,2-2",
      "5 LOG 1@zeus RESTARTED after 2-4",
    ]);
  });

  it("waits for nobody on the server that is lost, whatever its edge says", () => {
    const onHades = { WQS: 1, WIS: 2, LOG: 1, CACHE: 1 };
    const sketch = { ...SKETCH, servers: { hades: onHades, zeus: { LOG: 1, CACHE: 1 } } };
    const lost = { ...nodeView({ ...sketch, serverState: { hades: "down" } }), masterId: 2 };
    const front = lost.instances.filter(({ serverId, type }) => serverId === 1 && onForeground.has(type));
    const { steps } = planMove(front, must(lost.servers[1]), lost, true);
    expect(steps.map(({ type, server }) => `${type}@${server}`)).toEqual([
      "CACHE@zeus",
      "WQS@zeus",
      "WIS@zeus",
      "WIS@zeus",
      "LOG@zeus",
    ]);
  });

  it("brings nothing up that was down", () => {
    const down = foreground.map((one) => ({ ...one, status: "STOPPED" as const }));
    const { steps, options } = planMove(down, must(NODE.servers[1]), NODE, false);
    expect(steps).toEqual([]);
    expect(options).toEqual({
      from: 1,
      to: 2,
      instances: [
        ["WQS", 1],
        ["WIS", 1],
        ["WIS", 2],
      ],
    });
  });
});
