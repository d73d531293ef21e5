/** A process type as a user writes it. */
import { describe, expect, it } from "vitest";
import { ProcessType } from "../src/index.ts";

const pauseOf = (pause: unknown) => ProcessType.safeParse({ command: ["x"], pausable: true, pause });

describe("pause", () => {
  it("is SIGSTOP and SIGCONT unless the type says otherwise, each for itself", () => {
    expect(ProcessType.parse({ command: ["x"] }).pause).toEqual({ signal: "SIGSTOP", resume: "SIGCONT" });
    expect(pauseOf({ signal: "SIGTSTP" }).data?.pause).toEqual({ signal: "SIGTSTP", resume: "SIGCONT" });
    expect(pauseOf({ signal: "SIGUSR1", resume: "SIGUSR2" }).success).toBe(true);
  });

  it("takes two signals that a process can tell apart, for each may come twice", () => {
    for (const bad of [
      { signal: "SIGUSR1", resume: "SIGUSR1" },
      { signal: "SIGCONT" },
      { signal: "SIGKILL" },
      { with: "x" },
    ]) {
      expect(pauseOf(bad).success, JSON.stringify(bad)).toBe(false);
    }
  });
});
