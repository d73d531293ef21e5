import { describe, expect, it } from "vitest";
import { exchangeProblem } from "../src/pair/exchange.ts";

const entry = "/opt/castellan/castellan.mjs";
const problem = (own: string, found: string, wanted: string): string | null =>
  exchangeProblem({ own, found, wanted, entry })?.message ?? null;

describe("a sentinel that is asked to exchange itself", () => {
  it("does so for the release that is meant, when it is installed and newer", () => {
    expect(problem("0.2.0", "0.3.0", "0.3.0")).toBeNull();
    expect(problem("0.9.0", "0.10.0", "0.10.0")).toBeNull();
  });

  it.each([
    ["nothing newer is installed", "0.2.0", "0.2.0", "0.3.0"],
    ["another release is installed", "0.2.0", "0.4.0", "0.3.0"],
    ["it would go back", "0.3.0", "0.2.0", "0.2.0"],
    ["it is that release", "0.3.0", "0.3.0", "0.3.0"],
  ])("refuses when %s, and says what to install where", (_, own, found, wanted) => {
    expect(problem(own, found, wanted)).toMatch(`at ${entry} there is release ${found}: install ${wanted} there`);
  });
});
