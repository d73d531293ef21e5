import { stripVTControlCharacters } from "node:util";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createStyle } from "../src/format/style.ts";
import { formatTable, oneLine } from "../src/format/table.ts";

describe("tables", () => {
  it("align coloured cells by what is seen of them", () => {
    const { word } = createStyle(true);
    const lines = formatTable(
      ["A", "B"],
      [
        [word("RUNNING"), "x"],
        ["up", "y"],
      ],
    ).split("\n");
    expect(lines[1]).toContain("\u001b[");
    expect(lines.map((line) => stripVTControlCharacters(line))).toEqual(["A        B", "RUNNING  x", "up       y", ""]);
  });

  it("cut the last cell where the terminal ends", () => {
    const text = formatTable(["A", "COMMENT"], [["1", "a very long comment indeed"]], { columns: 20, indent: 2 });
    expect(text).toBe("  A  COMMENT\n  1  a very long co…\n");
    expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(20);
  });

  it("keep every row on one line, whatever is in it", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string({ unit: "binary" }), fc.string())), (rows) => {
        expect(formatTable(["A", "B"], rows).split("\n")).toHaveLength(rows.length + 2);
      }),
    );
  });

  it("let nothing through that moves the cursor, except colours", () => {
    const cell = "a\u001b[2Jb\r\nc\u0007d\u009b1me\u001b[31mred\u001b[0m";
    expect(formatTable([cell], [])).toBe("a [2Jb c d 1me\u001b[31mred\u001b[0m\n");
  });
});

describe("foreign text", () => {
  it("has neither colours of its own nor anything else that a terminal obeys", () => {
    expect(oneLine("a\u001b[2Jb\r\nc\u0007d\u009b1me\u001b[8mhidden\u001b[0m\u001b")).toBe(
      "a [2Jb c d 1me [8mhidden [0m ",
    );
  });
});
