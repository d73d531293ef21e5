import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Alert, causeKey, occurrencesOf } from "../src/index.ts";

const hash = (text: string) => createHash("sha256").update(text).digest("hex");
const parts = fc.record({
  kind: fc.constantFrom("error-file" as const, "disk" as const),
  server: fc.stringMatching(/^[a-z0-9-]{1,64}$/),
  subject: fc.string({ minLength: 1, maxLength: 1000 }),
  generation: fc.stringMatching(/^[a-z0-9:]{1,40}$/),
});

describe("the cause key", () => {
  it("fits its column and is lower case", () => {
    fc.assert(
      fc.property(parts, (made) => {
        const key = causeKey(made, hash);
        expect(key.length).toBeLessThanOrEqual(200);
        expect(key).toBe(key.toLowerCase());
      }),
    );
  });

  it("differs where the cause differs, also in letter case or far to the right", () => {
    const long = "x".repeat(300);
    const base = { kind: "disk" as const, server: "hades", generation: "1" };
    const keys = [`/${long}/a`, `/${long}/A`, `/${long}/b`, "/Data", "/data", "/data "].map((subject) =>
      causeKey({ ...base, subject }, hash),
    );
    expect(new Set(keys).size).toBe(keys.length);
  });

  it("reads as what it is when it fits", () => {
    expect(causeKey({ kind: "disk", server: "hades", subject: "/data", generation: "3" }, hash)).toBe(
      "disk/hades//data/3",
    );
  });
});

const alert = (details: Record<string, unknown>): Alert => ({
  kind: "disk",
  server: "hades",
  subject: "/",
  severity: "error",
  summary: "s",
  occurredAt: "2026-01-01T00:00:00.000Z",
  cause: "c",
  details,
});

describe("occurrences", () => {
  it("count one unless the alert says how many", () => {
    expect(occurrencesOf(alert({}))).toBe(1);
    expect(occurrencesOf(alert({ count: 7 }))).toBe(7);
    for (const count of [0, -1, 1.5, "9", Number.NaN, null]) expect(occurrencesOf(alert({ count }))).toBe(1);
  });
});
