import { describe, expect, it } from "vitest";
import { exchangeState } from "../src/pair/exchange-mark.ts";
import { reasonOf, wordsOfFailure } from "../src/pair/rehearsal.ts";

const state = (isMakerAlive: boolean, hasPair: boolean, bootId = "now", mark: { bootId: string } | null = { bootId }) =>
  exchangeState({ mark, isMakerAlive, hasPair, bootId: "now" });

describe("the mark of an exchange", () => {
  it("says that one is under way while whoever made it lives", () => {
    expect([state(true, true), state(true, false)]).toEqual(["under way", "under way"]);
  });

  it("says that one was interrupted only where no pair has come up since, and in the same boot", () => {
    expect(state(false, false)).toBe("interrupted");
    expect(state(false, true)).toBe("none");
    expect(state(false, false, "before")).toBe("none");
    expect(state(false, false, "now", null)).toBe("none");
  });
});

describe("why a program cannot work", () => {
  it("is what it complained of first, else how it ended", () => {
    expect(reasonOf("warning: x\ncastellan: the schema is newer\n  see\n", { code: 1 })).toBe("the schema is newer");
    expect(reasonOf("file:1\nthrow it\nError: no module\n    at x\n", { code: 1 })).toBe("Error: no module");
    expect(reasonOf("odd\n", { code: 1 })).toBe("odd");
    expect(reasonOf("", { code: 3 })).toBe("it ended at once (3)");
    expect(reasonOf("", { code: null, signal: "SIGSEGV" })).toBe("it was ended by SIGSEGV");
    expect(reasonOf("", { killed: true, signal: "SIGKILL" })).toBe("it did not come up within 30 s");
    expect(reasonOf("", null)).toBe("it did not say that it can");
  });

  it("is said with what becomes of the sentinel, where there is one", () => {
    const failed = { entry: "/opt/castellan.mjs", reason: "odd" };
    expect(wordsOfFailure({ ...failed, hasPair: true })).toBe(
      "the program at /opt/castellan.mjs cannot work here: odd\nthe sentinel that runs goes on as it is: mend that, then run `castellan upgrade` again",
    );
    const without = wordsOfFailure({ ...failed, hasPair: false });
    expect(without).not.toContain("goes on");
    expect(without).toContain("no sentinel runs here; what the last one started runs on without it");
  });
});
