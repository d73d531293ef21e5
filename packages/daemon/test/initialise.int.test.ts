import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { type TempHome, tempHome } from "@castellan/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { homePaths } from "../src/home-paths.ts";
import { initialiseHome, isNewHome } from "../src/node/initialise.ts";

let temp: TempHome;
beforeEach(async () => {
  temp = await tempHome();
  mkdirSync(temp.path("example/programs"), { recursive: true });
  writeFileSync(temp.path("example/types.yaml"), "types: {}\n");
  writeFileSync(temp.path("example/programs/web.mjs"), "");
  writeFileSync(temp.path("example/README.md"), "about the example");
});
afterEach(() => temp.remove());

describe("a new home", () => {
  it("gets the example's files, also when it lies inside the example, and overwrites nothing", () => {
    const paths = homePaths(temp.path("example/castellan-home"));
    expect(isNewHome(paths)).toBe(true);
    mkdirSync(paths.home);
    writeFileSync(temp.path("example/castellan-home/fspart"), "/ 1G\n");
    initialiseHome(paths, temp.path("example"));
    expect(readFileSync(temp.path("example/castellan-home/types.yaml"), "utf8")).toBe("types: {}\n");
    expect(existsSync(temp.path("example/castellan-home/programs/web.mjs"))).toBe(true);
    expect(existsSync(temp.path("example/castellan-home/README.md"))).toBe(false);
    expect(existsSync(temp.path("example/castellan-home/castellan-home"))).toBe(false);
    expect(readFileSync(temp.path("example/castellan-home/fspart"), "utf8")).toBe("/ 1G\n");
    expect(isNewHome(paths)).toBe(false);
  });
});
