import { type Target, TypeName } from "@castellan/protocol";
import { describe, expect, it } from "vitest";
import type { PlannerView, PlanStep, PlanVerb } from "../../src/operation/plan.ts";
import { plan } from "../../src/operation/planner.ts";
import { CATALOGUE, nodeView } from "./views.ts";

const catalogue = (status = {}, disabled: readonly string[] = []): PlannerView =>
  nodeView({ ...CATALOGUE, status, disabled });

function stepsOf(verb: PlanVerb, target: Target, view: PlannerView): readonly PlanStep[] {
  const planned = plan({ verb, target }, view);
  if (planned.kind === "refused") throw planned.refusal;
  return planned.steps;
}

function refusalOf(verb: PlanVerb, target: Target, view: PlannerView) {
  const planned = plan({ verb, target }, view);
  return planned.kind === "refused" ? planned.refusal : null;
}

const line = ({ seq, type, instance, server, desired, dependsOn }: PlanStep): string =>
  `${seq}. ${type} ${instance} @${server} ${desired}${dependsOn.length === 0 ? "" : ` after ${dependsOn.map(([a, b]) => (a === b ? a : `${a}-${b}`)).join(", ")}`}`;

const labels = (steps: readonly PlanStep[]): string[] =>
  steps.map(({ type, instance, server }) => `${type} ${instance}@${server}`);

/** `target` of a command with the brand of its parsed type name. */
function target(server?: string, type?: string, instance?: number): Target {
  return {
    ...(server === undefined ? {} : { server }),
    ...(type === undefined ? {} : { type: TypeName.parse(type) }),
    ...(instance === undefined ? {} : { instance }),
  };
}

describe("the catalogue", () => {
  it("starts in the documented order", async () => {
    const text = stepsOf("start", {}, catalogue()).map(line).join("\n");
    await expect(`${text}\n`).toMatchFileSnapshot("golden/catalogue-start.txt");
  });

  it("stops in reverse", async () => {
    const text = stepsOf("shutdown", {}, catalogue()).map(line).join("\n");
    await expect(`${text}\n`).toMatchFileSnapshot("golden/catalogue-shutdown.txt");
  });
});

describe("start", () => {
  it("looks through a type without instances to what that one needs", () => {
    const view = nodeView({
      types: { A: {}, B: { dependsOn: ["A"] }, C: { dependsOn: ["B"] } },
      servers: { hades: { A: 1, C: 1 } },
    });
    expect(stepsOf("start", {}, view).map(line)).toEqual(["1. A 1 @hades RUNNING", "2. C 1 @hades RUNNING after 1"]);
  });

  it("leaves disabled instances alone, unless one is named", () => {
    const view = nodeView({ types: { BG: {} }, servers: { hades: { BG: 2 } }, disabled: ["BG 2@hades"] });
    expect(labels(stepsOf("start", {}, view))).toEqual(["BG 1@hades"]);
    expect(labels(stepsOf("start", target("hades", "BG", 2), view))).toEqual(["BG 2@hades"]);
  });

  it("has nothing to do where everything is disabled, and says so", () => {
    const view = nodeView({ types: { BG: {} }, servers: { hades: { BG: 1 } }, disabled: ["BG 1@hades"] });
    expect(plan({ verb: "start", target: {} }, view)).toEqual({
      kind: "plan",
      steps: [],
      note: "nothing to do: every instance is disabled",
    });
  });

  it("of one type is refused while something it needs is down, naming it", () => {
    const refusal = refusalOf(
      "start",
      target("hades", "BG"),
      catalogue({ WISMBD: "RUNNING", "WISMBD 2@hades": "STOPPED" }),
    );
    expect(refusal?.code).toBe("DEPENDENCY_NOT_RUNNING");
    expect(refusal?.message).toContain("WISMBD 2 on hades is STOPPED");
    expect(refusal?.retryable).toBe(false);
    expect(refusalOf("start", target("hades", "BG"), catalogue({ WISMBD: "STARTING" }))?.retryable).toBe(true);
  });

  it("of one type is planned once all it needs runs, or is paused", () => {
    const view = catalogue({ WISMBD: "RUNNING", "WISMBD 2@hades": "PAUSED" });
    expect(labels(stepsOf("start", target(undefined, "BG"), view))).toEqual([
      "BG 1@hades",
      "BG 2@hades",
      "BG 1@zeus",
      "BG 2@zeus",
    ]);
  });

  it("of what runs already needs nothing", () => {
    expect(labels(stepsOf("start", target("hades", "SPO"), catalogue({ SPO: "RUNNING" })))).toEqual(["SPO 1@hades"]);
  });

  it("does not count a disabled instance as needed", () => {
    const view = catalogue({ WISMBD: "RUNNING", "WISMBD 2@hades": "STOPPED" }, ["WISMBD 2@hades"]);
    expect(labels(stepsOf("start", target("zeus", "BG", 1), view))).toEqual(["BG 1@zeus"]);
  });

  it("of a server is refused while the rest of the node does not carry it", () => {
    expect(refusalOf("start", target("zeus"), catalogue())?.code).toBe("DEPENDENCY_NOT_RUNNING");
    expect(labels(stepsOf("start", target("zeus"), catalogue({ WISMBD: "RUNNING" })))).toHaveLength(3);
  });

  it("refuses foreground processes anywhere but on the master", () => {
    const view = nodeView({
      types: { WQS: { layer: "foreground" } },
      servers: { hades: { WQS: 1 }, zeus: { WQS: 1 } },
    });
    const refusal = refusalOf("start", {}, view);
    expect(refusal?.code).toBe("FOREGROUND_NOT_ON_MASTER");
    expect(refusal?.message).toContain("WQS 1 on zeus");
    expect(refusalOf("shutdown", {}, view)).toBeNull();
  });
});

describe("refusals by name", () => {
  it.each([
    ["start", target("hadse"), "UNKNOWN_SERVER", "did you mean hades"],
    ["start", target("wqs"), "UNKNOWN_SERVER", "the server comes before it, for example hades WQS"],
    ["start", target(undefined, "DLMGT"), "UNKNOWN_TYPE", "did you mean DLMGR"],
    ["start", target(undefined, "ORACLE"), "UNKNOWN_TYPE", "known: BG,"],
    ["start", target("hades", "BG", 7), "UNKNOWN_INSTANCE", "defined: 1, 2"],
    ["start", target("zeus", "SPO"), "NO_INSTANCES", "on zeus"],
    ["start", target("hades", undefined, 2), "BAD_TARGET", "without the process type"],
    ["start", target("hades", "WIS"), "NOT_DYNAMIC", "WIS cannot be started alone"],
    ["shutdown", target("hades", "WQS", 1), "NOT_DYNAMIC", "WQS cannot be stopped alone"],
    ["pause", target("hades", "SPO"), "NOT_PAUSABLE", "SPO cannot be paused; what can: BG, BGPREDICT"],
    ["unpause", target("hades", "SPO", 1), "NOT_PAUSABLE", "SPO cannot be unpaused"],
  ] as const)("%s %o: %s", (verb, meant, code, text) => {
    const refusal = refusalOf(verb, meant, catalogue());
    expect(refusal?.code).toBe(code);
    expect(refusal?.message).toContain(text);
  });

  it("prints a cycle", () => {
    const types = { A: { dependsOn: ["B"] }, B: { dependsOn: ["A"] } };
    const view = nodeView({ types, servers: { hades: { A: 1 } } });
    expect(refusalOf("start", {}, view)?.code).toBe("CYCLE");
    expect(refusalOf("start", {}, view)?.message).toContain("A -> B -> A");
  });

  it("lets a cycle that has nothing to do with the target be", () => {
    const types = { A: { dependsOn: ["B"] }, B: { dependsOn: ["A"] }, C: {} };
    const view = nodeView({ types, servers: { hades: { C: 1 } } });
    expect(labels(stepsOf("start", {}, view))).toEqual(["C 1@hades"]);
  });

  it("names a row whose type is not defined, and an edge to nowhere", () => {
    const row = nodeView({ types: {}, servers: { hades: { GHOST: 1 } } });
    expect(refusalOf("start", {}, row)).toMatchObject({ code: "UNDEFINED_TYPE", details: { type: "GHOST" } });
    expect(labels(stepsOf("shutdown", {}, row))).toEqual(["GHOST 1@hades"]);
    const edge = nodeView({ types: { A: { dependsOn: ["NOWHERE"] } }, servers: { hades: { A: 1 } } });
    expect(refusalOf("start", {}, edge)?.message).toBe("A depends on NOWHERE, which is not defined");
  });
});

describe("shutdown", () => {
  const pair = { types: { A: {}, B: { dependsOn: ["A"] } }, servers: { hades: { A: 1, B: 1 } } };

  it("of what others rely on is refused, naming them", () => {
    const refusal = refusalOf(
      "shutdown",
      target("hades", "A"),
      nodeView({ ...pair, status: { A: "RUNNING", B: "PAUSED" } }),
    );
    expect(refusal?.code).toBe("HAS_DEPENDENTS");
    expect(refusal?.message).toContain("B 1 on hades depends on it; stop B first");
  });

  it("of what is stopped already, or whose dependents are, is planned", () => {
    expect(labels(stepsOf("shutdown", target("hades", "A"), nodeView({ ...pair, status: { B: "RUNNING" } })))).toEqual([
      "A 1@hades",
    ]);
    expect(labels(stepsOf("shutdown", target("hades", "A"), nodeView({ ...pair, status: { A: "RUNNING" } })))).toEqual([
      "A 1@hades",
    ]);
  });

  it("stops a disabled instance that runs", () => {
    const view = nodeView({ ...pair, disabled: ["B 1@hades"], status: { B: "RUNNING" } });
    expect(stepsOf("shutdown", {}, view).map(line)).toEqual(["1. B 1 @hades STOPPED", "2. A 1 @hades STOPPED after 1"]);
  });
});

describe("restart and pause", () => {
  it("restarts in start order, also types that cannot be started alone", () => {
    const view = catalogue({ RPC_TCP_LI: "RUNNING", RPC_UDP_LI: "RUNNING" });
    expect(stepsOf("restart", target("hades", "WQS"), view).map(line)).toEqual(["1. WQS 1 @hades RESTARTED"]);
  });

  it("pauses what can be paused and is up, in no order", () => {
    const view = catalogue({ WISMBD: "RUNNING", SPO: "RUNNING", "BG 1@hades": "RUNNING" });
    const steps = stepsOf("pause", {}, view);
    expect(labels(steps)).toEqual(["WISMBD 1@hades", "WISMBD 2@hades", "BG 1@hades"]);
    expect(steps.every(({ dependsOn }) => dependsOn.length === 0)).toBe(true);
  });
});
