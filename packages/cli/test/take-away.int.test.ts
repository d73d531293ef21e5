/** Whoever is killed while the files of a home are taken away finds there what to go on by. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { homePaths, installedFiles, makeHome } from "@castellan/daemon";
import { type TempHome, tempHome } from "@castellan/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { orderOfRemoval } from "../src/installation/take-away.ts";
import { noteOf, noteUninstalling } from "../src/installation/unfinished.ts";

let temp: TempHome;
beforeEach(async () => {
  temp = await tempHome();
  makeHome(homePaths(temp.dir));
  mkdirSync(temp.path("data/nats/jetstream"), { recursive: true });
  mkdirSync(temp.path("etc/trust"));
  for (const name of ["castellan.yaml", "data/node.db", "data/zzz", "etc/trust/ca.pem", "run/zzz", "types.yaml"]) {
    writeFileSync(temp.path(name), "");
  }
  await noteUninstalling(temp.dir, { servers: ["hades"], schemaId: null });
});
afterEach(() => temp.remove());

describe.each([
  [
    "what was installed",
    () => installedFiles(homePaths(temp.dir), { keeps: null, keepsAuthority: false }),
    ["etc", "logs", "types.yaml"],
  ],
  ["the whole home", () => [temp.dir], []],
] as const)("of %s", (_what, removed, left) => {
  it("the note goes last, castellan.yaml just before it, and nothing is left of it", () => {
    const paths = homePaths(temp.dir);
    for (const path of orderOfRemoval(temp.dir, removed())) {
      const isLast = [paths.config, noteOf(temp.dir), paths.data, temp.dir].includes(path);
      if (!isLast) expect([existsSync(paths.config), existsSync(noteOf(temp.dir))], path).toEqual([true, true]);
      if (path === noteOf(temp.dir)) expect(existsSync(paths.config)).toBe(false);
      if (path === paths.data || path === temp.dir) expect(existsSync(noteOf(temp.dir))).toBe(false);
      rmSync(path, { recursive: true, force: true });
    }
    expect(existsSync(paths.data) || existsSync(paths.run)).toBe(false);
    for (const name of left) expect(existsSync(temp.path(name)), name).toBe(true);
    expect(existsSync(temp.dir)).toBe(left.length > 0);
  });
});
