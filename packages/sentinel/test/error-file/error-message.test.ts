import * as fc from "fast-check";
import { expect, test } from "vitest";
import { isOwnMessage, parseMessages, printable } from "../../src/error-file/error-message.ts";

const vendor =
  "2008/04/16 09:53:10.012673(PROCMGR:2:6012:0:$SYSTEM:302:SYSINFO:pro:fillogin.c:69813:721): 1631-W is a warning";
const documented = "2026/01/02 03:04:05.000001 (BG:3:77:1::0:::x.c:1:2):1888-BG 3 has died";

test("reads the documented line and the vendor's example that differs from it", () => {
  expect(parseMessages(`${documented}\n${vendor}\n`)).toEqual([
    { process: "BG", module: "x.c", messageId: 1888, severity: "critical", lines: [documented] },
    { process: "PROCMGR", module: "fillogin.c", messageId: 1631, severity: null, lines: [vendor] },
  ]);
});

test("short and odd headers are still headers", () => {
  const [message] = parseMessages("2026-1-2 3:04:05 (WIS:1):no number");
  expect(message).toMatchObject({ process: "WIS", messageId: null, severity: null });
});

test("what follows a documented line belongs to it; plain lines are messages, their indented lines are not", () => {
  const text = [
    "plain one",
    "\tat f (a.js:1)",
    "Caused by: x",
    "plain two",
    "",
    documented,
    "detail",
    "  more",
    vendor,
  ].join("\n");
  expect(parseMessages(text).map(({ lines }) => lines.length)).toEqual([3, 1, 3, 1]);
});

test("a line that begins indented is a message when nothing precedes it", () => {
  expect(parseMessages("   at x\n")).toHaveLength(1);
});

test("control characters and broken text are escaped, long lines cut", () => {
  expect(printable("a\u0000b\u001b[31mc\ttab \ufffd \u202e")).toBe("a\\x00b\\x1b[31mc\ttab \\ufffd \\u202e");
  expect(printable("x".repeat(1_000_000))).toHaveLength(500);
  expect(printable(`${"x".repeat(499)}😀`)).toBe("x".repeat(499));
});

const isOwn = (text: string): boolean[] => parseMessages(text).map(isOwnMessage);

test("only our own messages with our mark are ours", () => {
  const own = "2026/01/02 03:04:05.000000 (PROCMGR:1:42:2::0:::castellan:0:0):1609-WARNING: Only 1 kilobytes free";
  expect(isOwn(own)).toEqual([true]);
  expect(isOwn(own.replace("castellan", "x.c"))).toEqual([false]);
  expect(isOwn(own.replace("1609", "1610"))).toEqual([false]);
  expect(isOwn(own.replace("PROCMGR", "BG"))).toEqual([false]);
});

test("any bytes give printable, bounded lines, and every line that is not blank is in some message", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 400 }),
    fc
      .array(fc.constantFrom(documented, vendor, "x", " y", "", "(((", "2026/01/01 00:00:00 ("))
      .map((lines) => new TextEncoder().encode(lines.join("\n"))),
  );
  fc.assert(
    fc.property(bytes, (data) => {
      const text = new TextDecoder().decode(data);
      const lines = parseMessages(text).flatMap((message) => message.lines);
      const blank = text.split("\n").filter((line) => line.trim() === "").length;
      if (text.split("\n").length < 50) expect(lines.length + blank).toBe(text.split("\n").length);
      for (const line of lines.map(printable)) {
        expect(line.length).toBeLessThanOrEqual(500);
        // oxlint-disable-next-line no-control-regex -- none of them may be left
        expect(line).not.toMatch(/[\u0000-\u0008\u000a-\u001f\u007f\ufffd]/);
      }
    }),
    { numRuns: 500 },
  );
});

test("a hostile line costs linear time", () => {
  const started = performance.now();
  for (const part of [" ", "(", ":", "2026/01/02 03:04:05 ", "\t"]) parseMessages(part.repeat(500_000));
  expect(performance.now() - started).toBeLessThan(5_000);
});
