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
  refusal: null,
};
const hades = { ...OLD, isMaster: true };
const zeus = { ...OLD, name: "zeus" };
const hera = { ...OLD, name: "hera" };
const fresh = (server: UpgradeServer): UpgradeServer => ({ ...server, program: "0.2.0" });
const far = (server: UpgradeServer): UpgradeServer => ({ ...server, isHere: false });
const OLDER: UpgradeFacts["schema"] = { found: 1, needed: 2, fit: "older" };
const left = (server: string) => ({ server, refusal: null });
const SAME: UpgradeFacts["schema"] = { found: 2, needed: 2, fit: "same" };
const plan = (schema: UpgradeFacts["schema"], ...servers: UpgradeServer[]) =>
  planUpgrade({ program: "0.2.0", schema, servers });
const words = ({ steps }: ReturnType<typeof plan>): string[] =>
  steps.map((step) => {
    if (step.do === "migrate") return `migrate ${step.from}-${step.to}`;
    return `${step.do} ${step.server}`;
  });

describe("an upgrade", () => {
  it("of a single server: the schema, then its sentinel", () => {
    expect(words(plan(OLDER, hades))).toEqual(["migrate 1-2", "replace hades"]);
  });

  it("of a cluster on one machine: the schema, the slaves, then the master, which stays it", () => {
    expect(words(plan(OLDER, hades, zeus, hera))).toEqual([
      "migrate 1-2",
      "replace zeus",
      "replace hera",
      "replace hades",
    ]);
  });

  it("on the master's host has the servers of other hosts exchange themselves, the master last", () => {
    const known = (server: UpgradeServer): UpgradeServer => ({ ...far(server), program: "0.1.9" });
    expect(words(plan(SAME, { ...hades, program: "0.1.9" }, known(zeus), known(hera)))).toEqual([
      "ask zeus",
      "ask hera",
      "replace hades",
    ]);
    // What has refused is not asked again, and the master waits for it.
    expect(plan(SAME, hades, { ...known(zeus), refusal: "not installed" }, far(fresh(hera)))).toEqual({
      steps: [],
      elsewhere: [{ server: "zeus", refusal: "not installed" }],
      waiting: "hades",
    });
    // Beside a slave nobody is asked.
    expect(words(plan(SAME, known(hades), zeus, known(hera)))).toEqual(["replace zeus"]);
  });

  it("on the master's host migrates, and waits for the slaves elsewhere", () => {
    expect(plan(OLDER, hades, far(zeus), far(hera))).toEqual({
      steps: [{ do: "migrate", from: 1, to: 2 }],
      elsewhere: [left("zeus"), left("hera")],
      waiting: "hades",
    });
    expect(plan(SAME, hades, far(fresh(zeus)), far(hera))).toMatchObject({
      steps: [],
      elsewhere: [left("hera")],
      waiting: "hades",
    });
    expect(words(plan(SAME, hades, far(fresh(zeus)), far(fresh(hera))))).toEqual(["replace hades"]);
  });

  it("on a slave's host does that slave, and says what is left", () => {
    expect(plan(SAME, far(hades), zeus, far(hera))).toEqual({
      steps: [{ do: "replace", server: "zeus" }],
      elsewhere: [left("hera"), left("hades")],
      waiting: null,
    });
  });

  it("goes on where it was interrupted", () => {
    const interrupted = { ...zeus, isRunning: false, isUp: false, isInterrupted: true };
    expect(words(plan(SAME, hades, interrupted, fresh(hera)))).toEqual(["replace zeus", "replace hades"]);
    // Mastership has moved already: the old master is a slave that is not upgraded.
    expect(words(plan(SAME, OLD, fresh({ ...zeus, isMaster: true }), fresh(hera)))).toEqual(["replace hades"]);
    expect(words(plan(SAME, fresh(hades), fresh(zeus)))).toEqual([]);
    expect(words(plan(SAME, { ...hades, isInterrupted: true }, fresh(zeus)))).toEqual(["replace hades"]);
  });

  it("waits for one that was asked and has not come back, and not for one that has come late", () => {
    const gone = { ...far(zeus), isRunning: false, isUp: false, refusal: "it is not back" };
    expect(plan(SAME, hades, gone, fresh(hera))).toEqual({
      steps: [],
      elsewhere: [{ server: "zeus", refusal: "it is not back" }],
      waiting: "hades",
    });
    const late = { ...far(fresh(zeus)), refusal: "it is not back" };
    expect(words(plan(SAME, hades, late, fresh(hera)))).toEqual(["replace hades"]);
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
    refusal: fc.constantFrom(null, "not installed"),
  });
  it("replaces only what is here, asks only who knows the question, and does the master last", () => {
    fc.assert(
      fc.property(fc.array(server, { minLength: 1, maxLength: 5 }), fc.nat(4), (parts, at) => {
        const servers = parts.map((part, index) => ({
          ...part,
          name: `s${index}`,
          isMaster: index === at % parts.length,
        }));
        const { steps } = plan(SAME, ...servers);
        const master = servers.find(({ isMaster }) => isMaster)?.name;
        const named = (name: string) => servers.find((one) => one.name === name);
        const touched = steps.flatMap((step) => (step.do === "migrate" ? [] : [step.server]));
        for (const step of steps) {
          if (step.do === "replace") expect(named(step.server)?.isHere).toBe(true);
          if (step.do === "ask")
            expect(named(step.server)).toMatchObject({ isHere: false, refusal: null, isMaster: false });
          if (step.do === "ask") expect(named(step.server)?.program).not.toBeNull();
        }
        expect(new Set(touched).size).toBe(touched.length);
        if (master !== undefined && touched.includes(master)) expect(touched.at(-1)).toBe(master);
      }),
    );
  });
});
