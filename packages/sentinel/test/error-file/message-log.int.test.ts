import { execFileSync } from "node:child_process";
import { appendFile, mkdir, readFile, rm, symlink } from "node:fs/promises";
import { type Logger, silentLogger } from "@castellan/kernel";
import { type TempHome, tempHome } from "@castellan/testkit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { isOwnMessage, parseMessages } from "../../src/error-file/error-message.ts";
import { createMessageLog } from "../../src/message-log.ts";
import type { MessageLog } from "../../src/ports.ts";

let home: TempHome;
let refused: string[];
let messageLog: MessageLog;
beforeEach(async () => {
  home = await tempHome();
  refused = [];
  const log: Logger = { ...silentLogger, error: (message) => void refused.push(message) };
  const clock = { now: () => new Date(2026, 0, 2, 3, 4, 5, 678) };
  messageLog = createMessageLog({ home: home.dir, pid: 4711, instance: 1, clock, log });
});
afterEach(() => home.remove());

test("writes the documented format, one line a message, which our own parser knows as ours", async () => {
  messageLog.error(1609, "WARNING: Only 7 kilobytes free in /data's volume, at least 9 are needed");
  messageLog.warn(1882, "peer\n  gone");
  messageLog.warn(1999, "other");
  const errors = await readFile(home.path("logs", "sw_error"), "utf8");
  expect(errors).toBe(
    "2026/01/02 03:04:05.678000 (PROCMGR:1:4711:2::0:::castellan:0:0):1609-WARNING: Only 7 kilobytes free in /data's volume, at least 9 are needed\n",
  );
  const warnings = await readFile(home.path("logs", "sw_warn"), "utf8");
  expect(parseMessages(errors + warnings).map(({ messageId, severity }) => [messageId, severity])).toEqual([
    [1609, "error"],
    [1882, "error"],
    [1999, "warning"],
  ]);
  expect(parseMessages(errors + warnings).map(isOwnMessage)).toEqual([true, true, false]);
  expect(warnings.split("\n")[0]).toMatch(/:1882-peer gone$/);
});

test("knows what it has said lately, however long the file is, and nothing when that cannot be read", async () => {
  expect(messageLog.hasError(1888, "Process WIS 1 ")).toBe(false);
  messageLog.error(1888, "Process WIS 1 has ended");
  await appendFile(home.path("logs", "sw_error"), `${"x".repeat(99)}\n`.repeat(2000));
  expect(messageLog.hasError(1888, "Process WIS 1 ")).toBe(true);
  for (const [id, words] of [
    [1888, "Process WIS 11 "],
    [1888, "has ended"],
    [1882, "Process WIS 1 "],
  ] as const)
    expect(messageLog.hasError(id, words)).toBe(false);
  await appendFile(home.path("logs", "sw_error"), `${"x".repeat(99)}\n`.repeat(2000));
  expect(messageLog.hasError(1888, "Process WIS 1 ")).toBe(false);
});

test("a FIFO, a directory, a link or a missing place in the way is said elsewhere and stops nobody", async () => {
  await mkdir(home.path("logs"));
  execFileSync("mkfifo", [home.path("logs", "sw_error")]);
  messageLog.error(1609, "x");
  await mkdir(home.path("logs", "sw_warn"));
  messageLog.warn(1882, "x");
  await rm(home.path("logs"), { recursive: true });
  await symlink("/dev/full", home.path("logs"));
  messageLog.error(1609, "x");
  expect(refused).toEqual(Array.from({ length: 3 }, () => "a message cannot be written to its file"));
});
