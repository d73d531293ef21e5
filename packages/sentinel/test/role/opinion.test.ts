import { describe, expect, it } from "vitest";
import { opine } from "../../src/role/opinion.ts";
import { facts, known, NOW } from "./election-kit.ts";

const nobody = { word: "nobody" } as const;
const following = (change: Parameters<typeof known>[0] = {}) => ({ kind: "following", known: known(change) }) as const;

describe("what a member says of the master", () => {
  it("is what it hears, and when it heard it last", () => {
    const said = { settled: true, epoch: 5, live: nobody, heardAgoMs: 200 };
    expect(opine(following(), nobody, facts())).toEqual(said);
    expect(opine(following({ master: null }), nobody, facts())).toMatchObject({ epoch: null, heardAgoMs: null });
  });

  it("is not to be counted on while its own affairs are not in order", () => {
    for (const settledMs of [null, 2999]) {
      expect(opine(following(), { word: "master", epoch: 5 }, facts({ settledMs })).settled).toBe(false);
    }
  });

  it("is that it misses nobody whom it never heard and who writes; it says so when it sees him", () => {
    const unheard = following({ heard: false, fenceMs: NOW - 1000 });
    expect(opine(unheard, nobody, facts()).settled).toBe(false);
    expect(opine(unheard, { word: "master", epoch: 5 }, facts()).settled).toBe(true);
    expect(opine(following({ heard: false, fenceMs: NOW - 3000 }), nobody, facts()).settled).toBe(true);
  });

  it("is of itself, when it is master", () => {
    const master = { kind: "master", known: known({ master: null, heard: false }), epoch: 6, sinceMs: NOW } as const;
    expect(opine(master, nobody, facts())).toMatchObject({
      settled: true,
      epoch: 6,
      live: { word: "master", epoch: 6 },
    });
  });
});
