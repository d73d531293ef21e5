import type { OperationReport, StepReport } from "@castellan/protocol";
import { describe, expect, it } from "vitest";
import { awaitedServers, passes } from "../src/start-outcome.ts";

const step = (server: string, state: StepReport["state"], result: string | null = null): StepReport => ({
  server,
  type: "BG",
  instance: 1,
  desired: "RUNNING",
  state,
  result,
});
const ended = (state: OperationReport["state"], ...steps: StepReport[]) => awaitedServers({ state, steps }, ["hades"]);
const missing = step("zeus", "failed", "SERVER_DOWN: zeus is down; not begun");
const behind = (server: string) => step(server, "skipped", "SERVER_DOWN: not begun: BG 1 on zeus did not succeed");

describe("the start of a node, for the server that asked for it,", () => {
  it("waits for nobody when it was done", () => {
    expect(ended("done", step("hades", "done"))).toEqual([]);
  });

  it("waits for servers that are not there yet, also with what needs them", () => {
    expect(ended("failed", step("hades", "done"), missing)).toEqual(["zeus"]);
    expect(ended("failed", missing, behind("zeus"), behind("hades"))).toEqual(["zeus"]);
  });

  it.each<[string, OperationReport["state"], StepReport[]]>([
    ["something failed by itself", "failed", [missing, step("hades", "failed", "it ended at once")]],
    ["something elsewhere failed by itself", "failed", [step("zeus", "failed", "it ended at once"), missing]],
    [
      "its own server is not seen",
      "failed",
      [step("hades", "failed", "SERVER_DOWN: hades is down; not begun"), missing],
    ],
    [
      "it is not known what became of something",
      "failed",
      [step("zeus", "unknown", "SERVER_DOWN: zeus is down"), missing],
    ],
    ["it was refused", "refused", []],
  ])("has failed when %s", (_, state, steps) => {
    expect(ended(state, ...steps)).toBeNull();
  });

  it("is tried again when it was refused for what passes by itself", () => {
    expect(["NOT_REACHABLE", "SERVER_DOWN", "FOREGROUND_MOVES", "CYCLE", "TIMED_OUT"].filter(passes)).toEqual([
      "NOT_REACHABLE",
      "SERVER_DOWN",
      "FOREGROUND_MOVES",
    ]);
  });
});
