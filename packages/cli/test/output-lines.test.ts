import { describe, expect, test } from "vitest";
import { createOutputLines } from "../src/format/output-lines.ts";

const bytes = (text: string): Buffer => Buffer.from(text);

describe("lines of an output", () => {
  test("are whole however they come, characters too; the last one may have no end", () => {
    const lines = createOutputLines(false);
    const text = bytes("ön\r\ntwo\nthr");
    expect(lines.next(text.subarray(0, 1), false)).toEqual([]);
    expect(lines.next(text.subarray(1, 6), false)).toEqual(["ön"]);
    expect(lines.next(text.subarray(6), false)).toEqual(["two"]);
    expect(lines.end()).toEqual(["thr"]);
    expect(lines.end()).toEqual([]);
  });

  test("are not glued together where something is missing", () => {
    const lines = createOutputLines(false);
    lines.next(bytes("half a li"), false);
    expect(lines.next(bytes("other half\nwhole\n"), true)).toEqual(["whole"]);
  });

  test("cannot take over a terminal; colours stay", () => {
    const [line] = createOutputLines(true).next(
      bytes("\u001b[31mred\u001b[0m\u001b]0;title\u0007\u001b[2J\ttab\n"),
      false,
    );
    expect(line).toBe("\u001b[31mred\u001b[0m?]0;title??[2J\ttab");
    expect(createOutputLines(false).next(bytes("\u001b[2J\n"), false)).toEqual(["\u001b[2J"]);
  });

  test("that never end are given in pieces", () => {
    const lines = createOutputLines(false);
    expect(lines.next(Buffer.alloc(100_000, 0x61), false)[0]).toHaveLength(100_000);
  });
});
