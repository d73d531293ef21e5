import { execFileSync } from "node:child_process";
import { chmod, mkdir, readFile, rename, rm, symlink, truncate, unlink, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { brief, createHarness, type Harness } from "./harness.ts";

let harness: Harness;
let isEnabled = true;
beforeEach(async () => {
  isEnabled = true;
  harness = await createHarness({ enabled: () => isEnabled });
});
afterEach(() => harness.home.remove());

const documented = (id: number, severity: number, module = "x.c"): string =>
  `2026/01/02 03:04:05.000001 (PROCMGR:1:77:${severity}::0:::${module}:1:2):${id}-something`;
const causes = (): string[] => harness.told.map(({ alert }) => alert.cause);

test("many files at once are one wait for the disk, not one each", async () => {
  const waiting: (() => void)[] = [];
  const held = await createHarness({
    alerts: {
      report: () =>
        new Promise((resolve) => {
          if (waiting.push(resolve) === 100) for (const accept of waiting) accept();
        }),
    },
  });
  try {
    for (let at = 0; at < 100; at += 1) await held.write(`sw_error_n${at}`, "x\n");
    await held.look();
    expect(waiting).toHaveLength(100);
  } finally {
    await held.home.remove();
  }
});

test("a name that would disturb a terminal or a line is shown as an escape", async () => {
  await harness.write("sw_error\n\u001b[31m", "x\n");
  await mkdir(harness.path("sw_warn\u001b[8m"));
  expect((await harness.look()).map(brief)).toEqual([
    "raised error-file error 1: sw_error\\x0a\\x1b[31m was created on server hades: x",
    `raised warn-file warning undefined: ${harness.path("sw_warn")}\\x1b[8m on server hades is not a regular file and is not read`,
  ]);
  expect(harness.told[0]?.alert.subject).toBe(harness.path("sw_error\n\u001b[31m"));
});

describe("one file", () => {
  test("a new file is raised with its name, server and first line; later text is repeated under the same cause", async () => {
    await harness.write("sw_error", "first\n");
    expect((await harness.look()).map(brief)).toEqual([
      "raised error-file error 1: sw_error was created on server hades: first",
    ]);
    expect(await harness.look()).toEqual([]);
    await harness.append("sw_error", "second\nthird\n");
    expect((await harness.look()).map(brief)).toEqual([
      "repeated error-file error 2: sw_error on server hades has 2 new messages: second",
    ]);
    expect(new Set(causes()).size).toBe(1);
    expect(harness.told[1]?.alert.details).toEqual({
      path: harness.path("sw_error"),
      count: 2,
      firstLine: "second",
      lastLines: ["second", "third"],
      bytes: 13,
      messageIds: [],
      position: 19,
      dedupKey: `${causes()[0]}@6-19`,
    });
  });

  test("severity is that of the worst message, the kind that of the name", async () => {
    await harness.write("sw_warn", `${documented(1631, 4)}\n${documented(1881, 2)}\nmore of it\n`);
    expect((await harness.look()).map(brief)).toEqual([
      `raised warn-file error 2: sw_warn was created on server hades: ${documented(1631, 4)} (and 1 more)`,
    ]);
    expect(harness.told[0]?.alert.details["messageIds"]).toEqual([1631, 1881]);
  });

  test("an empty file waits a second for its text", async () => {
    await harness.write("sw_error", "");
    expect(await harness.look()).toEqual([]);
    harness.clock.advance(900);
    await harness.append("sw_error", "text\n");
    expect((await harness.look()).map(brief)).toEqual([
      "raised error-file error 1: sw_error was created on server hades: text",
    ]);
  });

  test("a file that stays empty is told of, and its first text then repeats", async () => {
    await harness.write("sw_warn", "");
    await harness.look();
    harness.clock.advance(1_001);
    expect((await harness.look()).map(brief)).toEqual([
      "raised warn-file warning 1: sw_warn was created on server hades",
    ]);
    await harness.append("sw_warn", "text\n");
    expect((await harness.look())[0]?.phase).toBe("repeated");
    expect(new Set(causes()).size).toBe(1);
  });

  test("a file that begins with a blank line is told of, once", async () => {
    await harness.write("sw_error", "\n");
    expect((await harness.look()).map(brief)).toEqual([
      "raised error-file error 1: sw_error was created on server hades",
    ]);
    await harness.append("sw_error", "\n");
    expect(await harness.look()).toEqual([]);
  });

  test("half a line waits for its newline, at most half a second", async () => {
    await harness.write("sw_error", "whole\nhal");
    expect((await harness.look()).map(brief)[0]).toMatch(/: whole$/);
    await harness.append("sw_error", "f\nothe");
    expect((await harness.look()).map(brief)[0]).toMatch(/: half$/);
    harness.clock.advance(501);
    expect((await harness.look()).map(brief)[0]).toMatch(/: othe$/);
    await harness.append("sw_error", "\n");
    expect(await harness.look()).toEqual([]);
  });

  test("only our own messages raise nothing; a stranger among them does, and counts alone", async () => {
    await harness.write("sw_error", `${documented(1609, 2, "castellan")}\n`);
    expect(await harness.look()).toEqual([]);
    await harness.append("sw_error", `${documented(1888, 2, "castellan")}\nstranger\n${documented(7, 1)}\n`);
    expect((await harness.look()).map(brief)).toEqual([
      `raised error-file critical 1: sw_error was created on server hades: ${documented(7, 1)}`,
    ]);
  });
});

describe("renamed, re-created, emptied", () => {
  test("renamed away and created again is a new cause; late text in the archived file belongs to the old one", async () => {
    await harness.write("sw_error", "one\n");
    await harness.look();
    await harness.append("sw_error", "late\n");
    await rename(harness.path("sw_error"), harness.path("sw_error20260101.log"));
    await harness.write("sw_error", "two\n");
    const told = await harness.look();
    expect(told.map(brief)).toEqual([
      "raised error-file error 1: sw_error was created on server hades: two",
      "repeated error-file error 1: sw_error on server hades has a new message: late",
    ]);
    expect(told[1]?.alert.cause).toBe(causes()[0]);
    expect(told[0]?.alert.cause).not.toBe(causes()[0]);
  });

  test("deleted and created again is a new cause, whatever inode it gets", async () => {
    for (let turn = 0; turn < 5; turn += 1) {
      await harness.write("sw_error", "same text\n");
      expect((await harness.look()).map(({ phase }) => phase)).toEqual(["raised"]);
      await unlink(harness.path("sw_error"));
      if (turn % 2 === 0) expect(await harness.look()).toEqual([]);
    }
    expect(new Set(causes()).size).toBe(5);
  });

  test("emptied and written again is a new cause, also when it has grown past the old end meanwhile", async () => {
    await harness.write("sw_error", "one\n");
    await harness.look();
    await truncate(harness.path("sw_error"), 0);
    expect(await harness.look()).toEqual([]);
    await harness.append("sw_error", "two\n");
    expect((await harness.look())[0]?.phase).toBe("raised");
    await harness.write("sw_error", "another beginning, longer than before\n");
    expect((await harness.look()).map(brief)).toEqual([
      "raised error-file error 1: sw_error was created on server hades: another beginning, longer than before",
    ]);
    expect(new Set(causes()).size).toBe(3);
  });

  test("archived files of earlier days are not news", async () => {
    await harness.write("sw_error20260101.log", "old\n");
    await harness.write("sw_error.1", "old\n");
    expect(await harness.look()).toEqual([]);
  });

  test("a directory that is moved away and back is not read anew", async () => {
    await harness.write("sw_error", "one\n");
    await harness.look();
    await rename(harness.home.path("logs"), harness.home.path("logs.away"));
    expect(await harness.look()).toEqual([]);
    await rename(harness.home.path("logs.away"), harness.home.path("logs"));
    expect(await harness.look()).toEqual([]);
  });
});

describe("what is not a text file", () => {
  test("a FIFO, a directory and a link that leads away are told of once, not read, and resolved when gone", async () => {
    execFileSync("mkfifo", [harness.path("sw_error_fifo")]);
    await mkdir(harness.path("sw_error_dir"));
    await writeFile(harness.home.path("secret"), "secret\n");
    await symlink(harness.home.path("secret"), harness.path("sw_warn"));
    const told = await harness.look();
    expect(told.map(({ phase, alert }) => `${phase} ${alert.kind} ${String(alert.details["reason"])}`)).toEqual([
      "raised warn-file is not a regular file",
      "raised warn-file is not a regular file",
      "raised warn-file is a symbolic link that leads out of logs",
    ]);
    expect(JSON.stringify(told)).not.toContain("secret\\n");
    expect(await harness.look()).toEqual([]);
    harness.restart();
    await rm(harness.path("sw_error_dir"), { recursive: true });
    expect((await harness.look()).map(({ phase }) => phase)).toEqual(["resolved"]);
  });

  test("a link within logs is followed", async () => {
    await harness.write("engine.log", "text\n");
    await symlink("engine.log", harness.path("sw_error"));
    expect((await harness.look()).map(brief)).toEqual([
      "raised error-file error 1: sw_error was created on server hades: text",
    ]);
  });

  test.skipIf(process.getuid?.() === 0)("a file without permission is told of", async () => {
    // Skipped for root, who may read everything; run the tests as another user to run it.
    await harness.write("sw_error", "x\n");
    await chmod(harness.path("sw_error"), 0o000);
    expect((await harness.look())[0]?.alert.summary).toMatch(/access is denied/);
  });

  test("binary content is shown escaped", async () => {
    await harness.append("sw_error", Uint8Array.from([0, 1, 0xff, 0xfe, 0x1b, 0x5b, 0x41, 0x0a, 0x80]));
    const [told] = await harness.look();
    expect(told?.alert.details["firstLine"]).toBe("\\x00\\x01\\ufffd\\ufffd\\x1b[A");
  });
});

describe("much text", () => {
  test("200 MB at first sight are read at both ends and skipped between", async () => {
    await harness.write("sw_error", "the beginning\n");
    await truncate(harness.path("sw_error"), 200 * 1024 * 1024);
    await harness.append("sw_error", "\nthe end\n");
    const told = await harness.look();
    expect(told).toHaveLength(1);
    const details = told[0]?.alert.details;
    expect(details).toMatchObject({ firstLine: "the beginning", skippedBytes: 200 * 1024 * 1024 + 9 - 128 * 1024 });
    expect(details?.["lastLines"]).toContain("the end");
    expect(JSON.stringify(told).length).toBeLessThan(20_000);
    await harness.append("sw_error", "after\n");
    expect((await harness.look()).map(brief)).toEqual([
      "repeated error-file error 1: sw_error on server hades has a new message: after",
    ]);
  });

  test("a line of several megabytes is one message, cut", async () => {
    await harness.write("sw_error", "short\n");
    await harness.look();
    await harness.append("sw_error", `${"x".repeat(3_500_000)}\nnext\n`);
    const told = await harness.look();
    expect(told.map(({ alert }) => alert.details["count"])).toEqual([1, 1]);
    expect(told[0]?.alert.details["firstLine"]).toBe("x".repeat(500));
    expect(told[1]?.alert.details["firstLine"]).toBe("next");
  });

  test("every line of a burst is counted, in alerts of one read each", async () => {
    await harness.write("sw_error", "first\n");
    await harness.look();
    await harness.append("sw_error", "a line of this burst\n".repeat(200_000));
    const told = await harness.look();
    expect(told).toHaveLength(5);
    expect(told.reduce((sum, { alert }) => sum + Number(alert.details["count"]), 0)).toBe(200_000);
  });
});

describe("restarts", () => {
  test("what was told is not told again", async () => {
    await harness.write("sw_error", "one\n");
    await harness.look();
    harness.restart();
    expect(await harness.look()).toEqual([]);
    await harness.append("sw_error", "two\n");
    harness.restart();
    expect((await harness.look()).map(({ phase }) => phase)).toEqual(["repeated"]);
  });

  test("an alert that the outbox had not taken comes again, the very same, before anything else", async () => {
    await harness.write("sw_error", "one\n");
    harness.fail(new Error("stopping"));
    await expect(harness.look()).rejects.toThrow("stopping");
    const text = await readFile(harness.home.path("run", "error-files.json"), "utf8");
    const written: unknown = JSON.parse(text);
    await harness.append("sw_error", "two\n");
    harness.fail(null);
    harness.restart();
    const told = await harness.look();
    expect(written).toMatchObject({ pending: [told[0]] });
    expect(told.map(brief)).toEqual([
      "raised error-file error 1: sw_error was created on server hades: one",
      "repeated error-file error 1: sw_error on server hades has a new message: two",
    ]);
  });

  test("a state file that cannot be read is begun anew", async () => {
    await mkdir(harness.home.path("run"));
    await writeFile(harness.home.path("run", "error-files.json"), '{"state":');
    await harness.write("sw_error", "one\n");
    expect((await harness.look()).map(({ phase }) => phase)).toEqual(["raised"]);
  });

  test("a state file that cannot be written does not silence the watch", async () => {
    await writeFile(harness.home.path("run"), "a file where the directory should be");
    await harness.write("sw_error", "one\n");
    expect((await harness.look()).map(({ phase }) => phase)).toEqual(["raised"]);
    expect(await harness.look()).toEqual([]);
  });
});

describe("switched off", () => {
  test("nothing is told, and what was written meanwhile never counts", async () => {
    await harness.write("sw_error", "before\n");
    await harness.look();
    isEnabled = false;
    await harness.append("sw_error", "meanwhile\n");
    await harness.write("sw_warn", "meanwhile\n");
    expect(await harness.look()).toEqual([]);
    isEnabled = true;
    expect(await harness.look()).toEqual([]);
    await harness.append("sw_error", "after\n");
    await harness.append("sw_warn", "after\n");
    expect((await harness.look()).map(({ phase, alert }) => `${phase} ${alert.summary}`)).toEqual([
      "repeated sw_error on server hades has a new message: after",
      "raised sw_warn was created on server hades: after",
    ]);
  });

  test("also across a restart", async () => {
    isEnabled = false;
    await harness.look();
    await harness.write("sw_error", "meanwhile\n");
    isEnabled = true;
    harness.restart();
    expect(await harness.look()).toEqual([]);
    await harness.append("sw_error", "after\n");
    expect((await harness.look())[0]?.alert.summary).toMatch(/: after$/);
  });
});
