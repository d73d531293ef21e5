import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { PROGRAM_VERSION } from "../src/index.ts";

describe("the release", () => {
  it("is that of the product", () => {
    const root = new URL("../../../package.json", import.meta.url);
    expect(JSON.parse(readFileSync(root, "utf8"))).toMatchObject({ version: PROGRAM_VERSION });
  });
});
