import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { planUpgrade, type UpgradeFacts, type UpgradeServer } from "../src/index.ts";

const OLD: UpgradeServer = {
  name: "hades",
  isMaster: false,
  program: null,
  isRunning: true,
  isUp: true,
  isHere: true,
  isInterrupted: false,
};
const hades = { ...OLD, isMaster: true };
const zeus = { ...OLD, name: "zeus" };
const hera = { ...OLD, name: "hera" };
const fresh = (server: UpgradeServer): UpgradeServer => ({ ...server, program: "0.2.0" });
const far = (server: UpgradeServer): UpgradeServer => ({ ...server, isHere: false });
const OLDER: UpgradeFacts["schema"] = { found: 1, needed: 2, fit: "older" };
const SAME: UpgradeFacts["schema"] = { found: 2, needed: 2, fit: "same" };
const plan = (schema: UpgradeFacts["schema"], ...servers: UpgradeServer[]) =>
  planUpgrade({ program: "0.2.0", schema, servers });
const words = ({ steps }: ReturnType<typeof plan>): string[] =>
  steps.map((step) => {
    if (step.do === "migrate") return `migrate ${step.from}-${step.to}`;
    return step.do === "replace" ? `replace ${step.server}` : `hand over ${step.from}-${step.to}`;
  });

describe("an upgrade", () => {
  it("of a single server: the schema, then its sentinel", () => {
    expect(words(plan(OLDER, hades))).toEqual(["migrate 1-2", "replace hades"]);
  });

  it("of a cluster on one machine: the schema, the slaves, one hand-over, the old master", () => {
    expect(words(plan(OLDER, hades, zeus, hera))).toEqual([
      "migrate 1-2",
      "replace zeus",
      "replace hera",
      "hand over hades-zeus",
      "replace hades",
    ]);
  });

  it("on the master's host migrates, and waits for the slaves elsewhere", () => {
    expect(plan(OLDER, hades, far(zeus), far(hera))).toEqual({
      steps: [{ do: "migrate", from: 1, to: 2 }],
      elsewhere: ["zeus", "hera"],
      waiting: "hades",
    });
    expect(plan(SAME, hades, far(fresh(zeus)), far(hera))).toMatchObject({
      steps: [],
      elsewhere: ["hera"],
      waiting: "hades",
    });
    expect(words(plan(SAME, hades, far(fresh(zeus)), far(fresh(hera))))).toEqual([
      "hand over hades-zeus",
      "replace hades",
    ]);
  });

  it("on a slave's host does that slave, and says what is left", () => {
    expect(plan(SAME, far(hades), zeus, far(hera))).toEqual({
      steps: [{ do: "replace", server: "zeus" }],
      elsewhere: ["hera", "hades"],
      waiting: null,
    });
  });

  it("goes on where it was interrupted", () => {
    const interrupted = { ...zeus, isRunning: false, isUp: false, isInterrupted: true };
    expect(words(plan(SAME, hades, interrupted, fresh(hera)))).toEqual([
      "replace zeus",
      "hand over hades-hera",
      "replace hades",
    ]);
    // Mastership has moved already: the old master is a slave that is not upgraded.
    expect(words(plan(SAME, OLD, fresh({ ...zeus, isMaster: true }), fresh(hera)))).toEqual(["replace hades"]);
    expect(words(plan(SAME, fresh(hades), fresh(zeus)))).toEqual([]);
    expect(words(plan(SAME, { ...hades, isInterrupted: true }, fresh(zeus)))).toEqual(["replace hades"]);
  });

  it("leaves alone what has been taken down: it comes up with whatever is installed", () => {
    expect(words(plan(OLDER, { ...hades, isRunning: false }, { ...zeus, isRunning: false, isUp: false }))).toEqual([
      "migrate 1-2",
    ]);
  });

  it("is refused in the wrong order, and backwards", () => {
    expect(() => plan(OLDER, far(hades), zeus)).toThrow(/from the master's server: install this release on hades/);
    expect(() => plan({ found: 3, needed: 2, fit: "ahead" }, hades)).toThrow(
      /the schema has version 3: a node is upgraded, never/,
    );
    expect(() => plan(SAME, hades, { ...zeus, program: "0.10.0" })).toThrow(/zeus runs 0\.10\.0/);
    expect(() => plan({ found: 0, needed: 2, fit: "empty" })).toThrow(/nothing to upgrade/);
  });

  const server = fc.record({
    program: fc.constantFrom(null, "0.1.0", "0.2.0"),
    isRunning: fc.boolean(),
    isUp: fc.boolean(),
    isHere: fc.boolean(),
    isInterrupted: fc.boolean(),
  });
  it("touches only what is here, moves mastership at most once, and the old master last", () => {
    fc.assert(
      fc.property(fc.array(server, { minLength: 1, maxLength: 5 }), fc.nat(4), (parts, at) => {
        const servers = parts.map((part, index) => ({
          ...part,
          name: `s${index}`,
          isMaster: index === at % parts.length,
        }));
        const { steps } = plan(SAME, ...servers);
        const master = servers.find(({ isMaster }) => isMaster)?.name;
        const touched = steps.flatMap((step) => (step.do === "replace" ? [step.server] : []));
        for (const name of touched) expect(servers.find((one) => one.name === name)?.isHere).toBe(true);
        expect(steps.filter((step) => step.do === "hand-over").length).toBeLessThanOrEqual(1);
        expect(new Set(touched).size).toBe(touched.length);
        if (master !== undefined && touched.includes(master)) expect(touched.at(-1)).toBe(master);
      }),
    );
  });
});
