import { appendFile, mkdir, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { type TempHome, tempHome } from "@castellan/testkit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createCutHead } from "../../src/output/cut-head.ts";
import { bookmarkIn, CUT_GRAIN, findLastLines, readOutput } from "../../src/output/read-output.ts";

let home: TempHome;
let file: string;
const cut = createCutHead({ PATH: process.env["PATH"] ?? "" });
const text = (data: Uint8Array): string => Buffer.from(data).toString();
/** Numbered lines of 64 bytes: 1024 of them are a grain. */
const numbered = (from: number, count: number): string =>
  Array.from({ length: count }, (_, at) => `${from + at} `.padEnd(63, ".").concat("\n")).join("");

beforeEach(async () => {
  home = await tempHome();
  file = home.path("out.log");
});
afterEach(() => home.remove());

async function tail(lines: number): Promise<string> {
  const from = await findLastLines(file, lines, 1e6);
  if (from === null) throw new Error("no file");
  return text((await readOutput(file, from, 1e6))?.data ?? new Uint8Array());
}

describe("the last lines", () => {
  test("are found with and without a break at the end, and are all when there are fewer", async () => {
    await writeFile(file, "one\ntwo\nthree\n");
    expect(await tail(2)).toBe("two\nthree\n");
    expect(await tail(0)).toBe("");
    expect(await tail(10)).toBe("one\ntwo\nthree\n");
    await appendFile(file, "fo");
    expect(await tail(2)).toBe("three\nfo");
    await writeFile(file, "");
    expect(await tail(5)).toBe("");
  });

  test("are found over many blocks, within the bound", async () => {
    await writeFile(file, numbered(0, 5000));
    expect(await tail(3000)).toBe(numbered(2000, 3000));
  });
});

describe("reading on", () => {
  test("continues where it stopped, also after the head was cut off beneath it", async () => {
    await writeFile(file, numbered(0, 3000));
    const first = await readOutput(file, { position: 0, before: new Uint8Array() }, 64 * 2500);
    expect(text(first?.data ?? new Uint8Array())).toBe(numbered(0, 2500));
    expect(first?.hasMore).toBe(true);
    expect(await cut(file, CUT_GRAIN * 2)).toEqual({ how: "collapsed" });
    await appendFile(file, numbered(3000, 10));
    const second = await readOutput(file, first?.next ?? { position: 0, before: new Uint8Array() }, 1e6);
    expect(text(second?.data ?? new Uint8Array())).toBe(numbered(2500, 510));
    expect(second).toMatchObject({ isTorn: false, hasMore: false });
  });

  test("says so when what was to come next is gone, and goes on at the beginning", async () => {
    await writeFile(file, numbered(0, 3000));
    const first = await readOutput(file, { position: 0, before: new Uint8Array() }, 64 * 100);
    await cut(file, CUT_GRAIN * 2);
    const second = await readOutput(file, first?.next ?? { position: 0, before: new Uint8Array() }, 1e6);
    expect(second?.isTorn).toBe(true);
    expect(text(second?.data ?? new Uint8Array())).toBe(numbered(2048, 952));
  });

  test("begins again in a file that somebody has emptied", async () => {
    await writeFile(file, numbered(0, 100));
    const at = await bookmarkIn(file, 6400);
    await truncate(file);
    await appendFile(file, "new\n");
    const read = await readOutput(file, at ?? { position: 0, before: new Uint8Array() }, 1e6);
    expect(read).toMatchObject({ isTorn: true });
    expect(text(read?.data ?? new Uint8Array())).toBe("new\n");
  });

  test("of what is no file of its own answers that there is none: a link, a directory, a FIFO, nothing", async () => {
    const { execFileSync } = await import("node:child_process");
    await writeFile(home.path("secret"), "secret\n");
    await symlink(home.path("secret"), file);
    expect(await findLastLines(file, 10, 1e6)).toBeNull();
    await rm(file);
    await mkdir(file);
    expect(await findLastLines(file, 10, 1e6)).toBeNull();
    await rm(file, { recursive: true });
    execFileSync("mkfifo", [file]);
    expect(await findLastLines(file, 10, 1e6)).toBeNull();
    await rm(file);
    expect(await findLastLines(file, 10, 1e6)).toBeNull();
  });
});

describe("where only a hole can be made", () => {
  let shm: string;
  beforeEach(async () => {
    shm = `/dev/shm/castellan-test-${process.pid}`;
    await mkdir(shm);
    file = `${shm}/out.log`;
  });
  afterEach(() => rm(shm, { recursive: true }));

  test("positions stay, tails stop at the hole, and who was too slow is taken behind it", async () => {
    await writeFile(file, numbered(0, 10_000));
    const slow = await readOutput(file, { position: 0, before: new Uint8Array() }, 64 * 100);
    const quick = await bookmarkIn(file, 64 * 9000);
    expect(await cut(file, CUT_GRAIN * 8)).toEqual({ how: "hole" });
    const read = await readOutput(file, quick ?? { position: 0, before: new Uint8Array() }, 1e6);
    expect(text(read?.data ?? new Uint8Array())).toBe(numbered(9000, 1000));
    expect(await tail(100_000)).toBe(numbered(8192, 1808));
    const late = await readOutput(file, slow?.next ?? { position: 0, before: new Uint8Array() }, 1e6);
    expect(late?.isTorn).toBe(true);
    expect(text(late?.data ?? new Uint8Array())).toBe(numbered(8192, 1808));
  });
});
