import type { DesiredState } from "@castellan/protocol";
import { describe, expect, it } from "vitest";
import { bootSteps, catchUpSteps, keyOf } from "../../src/operation/catch-up.ts";
import type { PlanStep } from "../../src/operation/plan.ts";
import { type NodeSketch, nodeView } from "./views.ts";

const SKETCH: NodeSketch = {
  types: { WIS: { layer: "foreground" }, DBQD: { dependsOn: ["WIS"] }, BG: { dependsOn: ["DBQD"] } },
  servers: { hades: { WIS: 1, BG: 1 }, zeus: { DBQD: 1, BG: 1 } },
};
const told = (steps: readonly PlanStep[]): string[] =>
  steps.map(
    ({ type, instance, server, desired, notBegun }) =>
      `${type} ${instance}@${server} ${notBegun === undefined ? desired : `not begun: ${notBegun}`}`,
  );
const free = (): boolean => true;

const words = (said: Record<string, DesiredState>) =>
  new Map(
    nodeView(SKETCH).instances.flatMap((one) => {
      const word = said[`${one.type} ${one.instance}@${one.server}`];
      return word === undefined ? [] : [[keyOf(one), word] as const];
    }),
  );

describe("a server that has been started", () => {
  it("runs what is enabled there and can run; what cannot yet is written down with the reason", () => {
    expect(told(bootSteps(1, nodeView(SKETCH), free))).toEqual([
      "WIS 1@hades RUNNING",
      "BG 1@hades not begun: NOT_YET: it needs DBQD 1 on zeus",
    ]);
    const later = nodeView({ ...SKETCH, status: { WIS: "RUNNING" } });
    expect(told(bootSteps(2, later, free))).toEqual(["DBQD 1@zeus RUNNING", "BG 1@zeus RUNNING"]);
  });

  it("leaves what is disabled, or under way, and foreground that belongs to the master", () => {
    const view = nodeView({ ...SKETCH, disabled: ["BG 1@hades"] });
    expect(told(bootSteps(1, view, ({ type }) => type !== "WIS"))).toEqual([]);
    expect(told(bootSteps(1, { ...view, masterId: 2 }, free))).toEqual([
      "WIS 1@hades not begun: NOT_YET: the foreground runs on the master",
    ]);
  });
});

describe("what was left undone", () => {
  it("is started when all it needs is ready, or starts with it", () => {
    const view = nodeView({ ...SKETCH, status: { WIS: "RUNNING" } });
    const both = words({ "BG 1@hades": "RUNNING", "DBQD 1@zeus": "RESTARTED" });
    expect(told(catchUpSteps(view, both, free))).toEqual(["DBQD 1@zeus RUNNING", "BG 1@hades RUNNING"]);
    expect(told(catchUpSteps(view, words({ "BG 1@hades": "RUNNING" }), free))).toEqual([]);
  });

  it("waits for a server that is missing, and for what is under way", () => {
    const view = nodeView({ ...SKETCH, status: { WIS: "RUNNING" }, serverState: { zeus: "down" } });
    const both = words({ "BG 1@hades": "RUNNING", "DBQD 1@zeus": "RUNNING" });
    expect(catchUpSteps(view, both, free)).toEqual([]);
    expect(
      told(catchUpSteps(nodeView({ ...SKETCH, status: { WIS: "RUNNING" } }), both, ({ type }) => type === "DBQD")),
    ).toEqual(["DBQD 1@zeus RUNNING"]);
  });

  it("is stopped, unless somebody who is up needs it", () => {
    const up = { WIS: "RUNNING", DBQD: "RUNNING", "BG 1@zeus": "RUNNING" } as const;
    const all = words({ "DBQD 1@zeus": "STOPPED", "BG 1@zeus": "STOPPED" });
    const view = nodeView({ ...SKETCH, status: up });
    expect(told(catchUpSteps(view, all, free))).toEqual(["BG 1@zeus STOPPED", "DBQD 1@zeus STOPPED"]);
    expect(catchUpSteps(view, words({ "DBQD 1@zeus": "STOPPED" }), free)).toEqual([]);
  });

  it("is not started when somebody has disabled it since", () => {
    const view = nodeView({ ...SKETCH, status: { WIS: "RUNNING" }, disabled: ["DBQD 1@zeus"] });
    expect(catchUpSteps(view, words({ "DBQD 1@zeus": "RUNNING" }), free)).toEqual([]);
  });

  it("is nothing when it has come about meanwhile", () => {
    const view = nodeView({ ...SKETCH, status: { WIS: "RUNNING", DBQD: "SUSPENDED" } });
    expect(catchUpSteps(view, words({ "WIS 1@hades": "RUNNING", "DBQD 1@zeus": "RUNNING" }), free)).toEqual([]);
  });
});
