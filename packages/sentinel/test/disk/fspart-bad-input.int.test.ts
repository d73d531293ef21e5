/** Whatever lies at `fspart`, and whatever is in it: read in a moment, problems named, paths that can be told watched. */
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { createSystemClock } from "@castellan/kernel";
import { type TempHome, tempHome } from "@castellan/testkit";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseFspart } from "../../src/disk/fspart.ts";
import { fspartStamp, readFspart } from "../../src/disk/fspart-file.ts";
import { surveyDisks } from "../../src/disk/survey.ts";

let home: TempHome;
beforeEach(async () => {
  home = await tempHome();
});
afterEach(() => home.remove());

describe("a level in fspart", () => {
  it.each([
    "-1",
    "1e30",
    "200%",
    "NaN",
    "Infinity",
    "-5%",
    "10 EiB",
    "0x10",
    "1,5G",
    "5%%",
    "K",
    "999999999999999999999",
    "\u0661G",
  ])("of %s is refused by name and the path is watched at the default", (level) => {
    const { entries, problems } = parseFspart(`/data ${level}`, "/home");
    expect(entries).toMatchObject([{ path: "/data", minimum: null, warning: null }]);
    expect(problems).toMatchObject([{ line: 1, message: expect.stringMatching(/500M, 2G or 5%|more than a path/) }]);
  });

  it.each([
    ["0", 0],
    ["10E", Number.MAX_SAFE_INTEGER],
    ["10EiB", Number.MAX_SAFE_INTEGER],
    ["100%", 100],
  ])("of %s means something", (level, value) => {
    expect(parseFspart(`/data ${level}`, "/home").entries[0]?.minimum?.value).toBe(value);
  });
});

describe("a bad fspart", () => {
  it.each<[string, (path: string) => void, RegExp]>([
    ["a directory", (path) => mkdirSync(path), /not a regular file/],
    ["a FIFO", (path) => execFileSync("mkfifo", [path]), /not a regular file/],
    ["a device without an end", (path) => symlinkSync("/dev/zero", path), /not a regular file/],
    ["a link to itself", (path) => symlinkSync(path, path), /ELOOP/],
    [
      "a terabyte of nothing",
      (path) => {
        writeFileSync(path, "");
        truncateSync(path, 1024 ** 4);
      },
      /larger than/,
    ],
  ])("that is %s is told of and holds up nobody", async (_, make, words) => {
    make(home.path("fspart"));
    const read = await readFspart(home.dir);
    expect(read).toMatchObject({ isReadable: false, entries: [] });
    expect(read.problems[0]?.message).toMatch(words);
    expect(await fspartStamp(home.dir)).toBe(await fspartStamp(home.dir));
    expect((await surveyDisks(home.dir, createSystemClock(), 1)).problems).toHaveLength(1);
  });

  it("of thousands of lines, or with one of a megabyte, has bounded entries and problems", () => {
    const many = parseFspart(Array.from({ length: 50_000 }, (_, index) => `/disk${index} 5%`).join("\n"), "/home");
    expect(many.entries).toHaveLength(500);
    expect(many.problems).toHaveLength(1);
    const wrong = parseFspart("nonsense\n".repeat(50_000), "/home");
    expect(wrong.problems).toHaveLength(100);
    const long = parseFspart(`/${"x".repeat(1024 * 1024)}\n/data 5G\n`, "/home");
    expect(long.entries.map(({ path }) => path)).toEqual(["/data"]);
    expect(long.problems[0]?.text.length).toBeLessThanOrEqual(200);
  });

  it("with paths that cannot be is asked of them, and says why of each", async () => {
    symlinkSync(home.path("loop"), home.path("loop"));
    writeFileSync(home.path("file"), "");
    writeFileSync(
      home.path("fspart"),
      ["/nonexistent/x", "./loop", "./file/below", `/${"y".repeat(4000)}`, '"/a b\u001b[2J"', "./good 0"].join("\n"),
    );
    mkdirSync(home.path("good"));
    const { paths } = await surveyDisks(home.dir, createSystemClock(), 1);
    expect(paths).toHaveLength(6);
    expect(paths.filter(({ reason }) => reason === null).map(({ path }) => path)).toEqual([home.path("good")]);
  });

  it("of any bytes is read", async () => {
    const word = fc.constantFrom(
      "/",
      "/data",
      "./x",
      " ",
      "\t",
      "\n",
      "\r\n",
      '"',
      "'",
      "#",
      "5%",
      "1e30",
      "-1",
      "\0",
      "\uFEFF",
      "..",
    );
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.array(word, { maxLength: 40 }).map((words) => Buffer.from(words.join(""))),
    );
    await fc.assert(
      fc.asyncProperty(bytes, async (content) => {
        writeFileSync(home.path("fspart"), content);
        const { entries, isReadable } = await readFspart(home.dir);
        expect(isReadable).toBe(true);
        for (const { path } of entries) expect(path.startsWith("/")).toBe(true);
        rmSync(home.path("fspart"));
      }),
      { numRuns: 200, examples: [[Buffer.from('"/a\n/b 5%\n')], [Buffer.from("\uFEFF/a\r/b\r\n")]] },
    );
  });
});
