import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clockSkew, formatDuration, formatSize, parseDuration, parseSize } from "../src/index.ts";

describe("durations", () => {
  it.each([
    ["250ms", 250],
    ["30s", 30_000],
    ["5m", 300_000],
    ["2h", 7_200_000],
    ["1d", 86_400_000],
    ["1.5s", 1500],
  ])("%s is %d ms", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(["", "30", "s", "-1s", "1 w", "1e3s", "NaNs", "1s 2s"])("refuses %j and says how to write it", (text) => {
    expect(() => parseDuration(text)).toThrow(/is not a duration; write for example/);
  });
});

describe("sizes", () => {
  it.each([
    ["1024", 1024],
    ["500K", 512_000],
    ["500M", 524_288_000],
    ["2G", 2_147_483_648],
    ["1.5GiB", 1_610_612_736],
    ["1tb", 1_099_511_627_776],
  ])("%s is %d bytes", (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it.each(["", "M", "-1", "5%", "1P", "99999999999999T"])("refuses %j", (text) => {
    expect(() => parseSize(text)).toThrow(/is not a size/);
  });

  it("are written for people", () => {
    expect(formatSize(1536)).toBe("1.5 KiB");
    expect(formatSize(0)).toBe("0 B");
    expect(formatDuration(850)).toBe("850 ms");
    expect(formatDuration(42_000)).toBe("42 s");
  });
});

it("parsers never throw anything but their own refusal", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      for (const parse of [parseDuration, parseSize]) {
        try {
          expect(Number.isFinite(parse(text))).toBe(true);
        } catch (thrown) {
          expect(thrown).toHaveProperty("code", expect.stringMatching(/^BAD_/));
        }
      }
    }),
  );
});

describe("what an answer tells of another clock", () => {
  it.each([
    ["the same, answered at once", 1000, 1000, 1000, { ms: 0, offByMs: 0 }],
    ["behind ours", 400, 1000, 1010, { ms: -605, offByMs: 5 }],
    ["ahead of ours, after a long way", 9000, 1000, 5001, { ms: 6000, offByMs: 2001 }],
  ])("%s", (_what, theirs, askedAt, answeredAt, skew) => {
    expect(clockSkew(theirs, askedAt, answeredAt)).toEqual(skew);
  });
});
