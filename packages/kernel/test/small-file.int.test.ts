/** What may lie where a small file is expected. */
import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { type TempHome, tempHome } from "@castellan/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { loadConfigFile } from "../src/config.ts";
import { readSmallFile, readSmallFileSync } from "../src/small-file.ts";

let home: TempHome;
beforeEach(async () => {
  home = await tempHome();
});
afterEach(() => home.remove());

/** Makes it, and says with what words it is refused. */
const BAD: Readonly<Record<string, readonly [(path: string) => void, RegExp]>> = {
  "a FIFO": [(path) => execFileSync("mkfifo", [path]), /regular file/],
  "a directory": [(path) => mkdirSync(path), /regular file/],
  "a device without an end": [(path) => symlinkSync("/dev/zero", path), /regular file/],
  "a link to itself": [(path) => symlinkSync(path, path), /ELOOP|itself/],
  "a file of a terabyte": [
    (path) => {
      writeFileSync(path, "");
      truncateSync(path, 1024 ** 4);
    },
    /larger than/,
  ],
};

describe("a small file", () => {
  it.each(Object.entries(BAD))("that is %s is refused and hangs nobody", async (_, [make, words]) => {
    const path = home.path("thing");
    make(path);
    expect(() => readSmallFileSync(path, 1000)).toThrow(words);
    await expect(readSmallFile(path, 1000)).rejects.toThrow(words);
    expect(() => loadConfigFile(path, z.unknown())).toThrow(words);
  });

  it("is read whole, also one that tells no size", async () => {
    writeFileSync(home.path("file"), "x".repeat(1000));
    expect(readSmallFileSync(home.path("file"), 1000)).toHaveLength(1000);
    expect(await readSmallFile(home.path("file"), 1000)).toHaveLength(1000);
    await expect(readSmallFile(home.path("file"), 999)).rejects.toThrow(/larger/);
    expect(() => readSmallFileSync(home.path("file"), 999)).toThrow(/larger/);
    expect(readSmallFileSync("/proc/self/stat", 100_000).length).toBeGreaterThan(10);
    expect((await readSmallFile("/proc/self/stat", 100_000)).length).toBeGreaterThan(10);
  });

  it("of another encoding is named with its line", () => {
    writeFileSync(home.path("latin"), Buffer.from("a: 1\nb: gr\u00fc\u00df\n", "latin1"));
    expect(() => loadConfigFile(home.path("latin"), z.unknown())).toThrow(/latin:2: is not UTF-8/);
  });
});
