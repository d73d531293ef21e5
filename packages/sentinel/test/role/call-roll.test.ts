import { SERVER_STATES } from "@castellan/protocol/words";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type BusSign,
  busSign,
  callRoll,
  judge,
  type Roll,
  type SchemaSign,
  type ServerSigns,
  SILENT_MS,
  SUSPECT_MS,
} from "../../src/role/call-roll.ts";

const BUS: readonly BusSign[] = ["heard", "quiet", "silent", "blind"];
const SCHEMA: readonly SchemaSign[] = ["fresh", "unknown", "silent"];
const nobody: Roll = new Map();
const present = { hasEnded: false, isIsolated: false } as const;
const zeus = (change: Partial<ServerSigns> = {}): ServerSigns => ({
  id: 2,
  sign: "1 1000",
  heardAtMs: null,
  recorded: "up",
  ...present,
  ...change,
});

describe("the verdict on a server", () => {
  it("answers every question, and says down only of what is silent on both ways or has ended", () => {
    for (const bus of BUS) {
      for (const schema of SCHEMA) {
        for (const recorded of SERVER_STATES) {
          for (const hasEnded of [false, true]) {
            for (const isIsolated of [false, true]) {
              const state = judge(bus, schema, { recorded, hasEnded, isIsolated });
              const mayBeDown = (bus === "silent" && schema === "silent") || (hasEnded && bus !== "heard");
              expect([bus, schema, recorded, hasEnded, isIsolated, state === "down"]).toEqual([
                bus,
                schema,
                recorded,
                hasEnded,
                isIsolated,
                mayBeDown,
              ]);
              if (bus === "heard" && schema !== "silent") expect(state).toBe(isIsolated ? "isolated" : "up");
              if (bus === "blind" && schema !== "fresh" && !hasEnded) expect(state).toBeNull();
            }
          }
        }
      }
    }
  });

  it("leaves one that was missed where it is until there is a sign of it", () => {
    expect(judge("quiet", "unknown", { ...present, recorded: "down" })).toBeNull();
    expect(judge("quiet", "fresh", { ...present, recorded: "down" })).toBe("suspect");
    expect(judge("quiet", "unknown", { ...present, recorded: "up" })).toBe("suspect");
  });
});

describe("the silence on the bus", () => {
  it("begins when the own link was there at the earliest, and counts when that has settled", () => {
    expect(busSign(0, null, 60_000)).toBe("blind");
    expect(busSign(0, 58_000, 60_000)).toBe("blind");
    expect(busSign(59_000, 58_000, 60_000)).toBe("heard");
    expect(busSign(0, 60_000 - SUSPECT_MS, 60_000)).toBe("quiet");
    expect(busSign(0, 60_000 - SILENT_MS, 60_000)).toBe("silent");
    expect(busSign(57_000, 0, 60_000)).toBe("quiet");
  });
});

describe("the roll call", () => {
  it("judges nobody at the first look, whatever the times in the rows say", () => {
    for (const recorded of ["up", "down"] as const) {
      expect(callRoll(nobody, [zeus({ recorded })], null, 1e9).changes.size).toBe(0);
    }
  });

  it("believes a new sign at once: also one from the past, also only another incarnation", () => {
    const { known } = callRoll(nobody, [zeus({ recorded: "down" })], null, 0);
    for (const sign of ["1 900", "2 1000"]) {
      expect(callRoll(known, [zeus({ recorded: "down", sign })], null, 1000).changes.get(2)).toBe("up");
    }
  });

  it("goes from up over suspect to down while a server is silent on both ways, each once", () => {
    const states: (string | undefined)[] = [];
    let recorded: ServerSigns["recorded"] = "up";
    let known = callRoll(nobody, [zeus({ sign: "1 0" })], 0, 0).known;
    for (let nowMs = 1000; nowMs <= 20_000; nowMs += 1000) {
      const called = callRoll(known, [zeus({ recorded, heardAtMs: 500 })], 0, nowMs);
      known = called.known;
      const change = called.changes.get(2);
      if (change !== undefined) states.push(`${nowMs} ${change}`);
      recorded = change ?? recorded;
    }
    // The sign in the schema was seen to change at 1,000.
    expect(states).toEqual(["4000 suspect", "16000 down"]);
  });

  it("never says down of a server that it has heard, or whose sign has changed, within the silence; nor while blind", () => {
    const step = fc.record({
      afterMs: fc.integer({ min: 100, max: 4000 }),
      beats: fc.boolean(),
      writes: fc.boolean(),
      link: fc.boolean(),
      readFails: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let nowMs = 1_000_000;
        let linkSinceMs: number | null = null;
        let heardAtMs: number | null = null;
        let lastSqlMs = nowMs;
        let written = 0;
        let recorded: ServerSigns["recorded"] = "up";
        let known = nobody;
        for (const { afterMs, beats, writes, link, readFails } of steps) {
          nowMs += afterMs;
          if (!link) linkSinceMs = null;
          else linkSinceMs ??= nowMs;
          if (beats && link) heardAtMs = nowMs;
          if (writes) written += 1;
          if (writes || readFails) lastSqlMs = nowMs;
          if (readFails) {
            known = nobody;
            continue;
          }
          const called = callRoll(known, [zeus({ sign: `1 ${written}`, heardAtMs, recorded })], linkSinceMs, nowMs);
          known = called.known;
          const change = called.changes.get(2);
          if (change === "down") {
            expect(linkSinceMs).not.toBeNull();
            expect(nowMs - (heardAtMs ?? 0)).toBeGreaterThanOrEqual(SILENT_MS);
            expect(nowMs - lastSqlMs).toBeGreaterThanOrEqual(SILENT_MS);
          }
          recorded = change ?? recorded;
          if (beats && link && writes) expect(recorded).toBe("up");
        }
      }),
    );
  });
});
