import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { isNewer, PROGRAM_VERSION } from "../src/index.ts";

describe("the release", () => {
  it("is that of the product", () => {
    const root = new URL("../../../package.json", import.meta.url);
    expect(JSON.parse(readFileSync(root, "utf8"))).toMatchObject({ version: PROGRAM_VERSION });
  });

  it("is newer by its numbers, not by its letters", () => {
    expect(isNewer("0.10.0", "0.9.1")).toBe(true);
    expect(isNewer("1.0.0", "1.0.0")).toBe(false);
    expect(isNewer("0.9.9", "0.10.0")).toBe(false);
    expect(isNewer("none of ours", "0.1.0")).toBe(false);
  });
});
