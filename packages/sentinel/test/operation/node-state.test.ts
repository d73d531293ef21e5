import type { ProcessStatus } from "@castellan/protocol";
import { NODE_STATES } from "@castellan/protocol/words";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nodeStateOf, SETTLE_MS, settle } from "../../src/operation/node-state.ts";

const instances = (...statuses: ProcessStatus[]) => statuses.map((status) => ({ enabled: true, status }));
const whole = (verb: "start" | "shutdown" | "pause") => ({ verb, target: {} });

describe("the state of a node", () => {
  it.each([
    [instances(), [], "STOPPED"],
    [instances("RUNNING", "PAUSED"), [], "RUNNING"],
    [instances("STOPPED", "SUSPENDED"), [], "STOPPED"],
    [instances("RUNNING", "SUSPENDED"), [], "DEGRADED"],
    [instances("RUNNING", "STARTING"), [], "DEGRADED"],
    [[...instances("RUNNING"), { enabled: false, status: "STOPPED" as const }], [], "RUNNING"],
    [[...instances("STOPPED"), { enabled: false, status: "RUNNING" as const }], [], "RUNNING"],
    [instances("RUNNING", "STOPPED"), [], "RUNNING"],
    [instances("RUNNING", "SHUTTING DOWN"), [], "RUNNING"],
    [instances("STOPPED", "STARTING"), [], "DEGRADED"],
    [[...instances("RUNNING"), { enabled: false, status: "SUSPENDED" as const }], [], "RUNNING"],
    [instances("STOPPED"), [whole("start")], "STARTING"],
    [instances("RUNNING"), [whole("start"), whole("shutdown")], "SHUTTING DOWN"],
    [instances("RUNNING"), [{ verb: "shutdown", target: { server: "hades" } }], "RUNNING"],
    [instances("RUNNING"), [whole("pause")], "RUNNING"],
  ] as const)("%j under %j is %s", (view, open, state) => {
    expect(nodeStateOf({ instances: view }, open)).toBe(state);
  });

  it.each([
    [instances("RUNNING"), [], "DEGRADED"],
    [instances("STOPPED"), [], "STOPPED"],
    [instances("RUNNING"), [whole("start")], "STARTING"],
  ] as const)("with a lost server, %j under %j is %s", (view, open, state) => {
    expect(nodeStateOf({ instances: view, lostServers: 1 }, open)).toBe(state);
  });

  it.each([
    ["STOPPED", "STARTING", true],
    ["STARTING", "RUNNING", true],
    ["STARTING", "SHUTTING DOWN", true],
    ["SHUTTING DOWN", "STOPPED", true],
    ["DEGRADED", "RUNNING", true],
    ["STARTING", "STOPPED", false],
    ["STARTING", "DEGRADED", false],
    ["SHUTTING DOWN", "RUNNING", false],
    ["RUNNING", "DEGRADED", false],
  ] as const)("from %s to %s is recorded at once: %s", (recorded, computed, atOnce) => {
    expect(settle(recorded, computed, null, 5000).record).toBe(atOnce);
  });

  it("is recorded after a while when nothing else comes, and never when it is recorded already", () => {
    const states = fc.constantFrom(...NODE_STATES);
    fc.assert(
      fc.property(states, states, (recorded, computed) => {
        const first = settle(recorded, computed, null, 1000);
        const early = settle(recorded, computed, first.settling, 1000 + SETTLE_MS - 1);
        const late = settle(recorded, computed, early.settling, 1000 + SETTLE_MS);
        expect(late.record).toBe(recorded !== computed);
        if (!first.record) expect(early.record).toBe(false);
      }),
    );
  });

  it("begins to settle anew when another state comes between", () => {
    const first = settle("RUNNING", "DEGRADED", null, 0);
    const between = settle("RUNNING", "RUNNING", first.settling, SETTLE_MS - 1);
    expect(settle("RUNNING", "DEGRADED", between.settling, SETTLE_MS + 1).record).toBe(false);
  });
});
