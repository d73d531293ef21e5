/** Whatever a configuration file holds: it is read, or refused with a `ConfigError` that says where, quickly. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { ConfigError, type ConfigProblem, parseConfig } from "../src/config.ts";

const schema = z.strictObject({
  node: z.string().optional(),
  types: z.record(z.string(), z.strictObject({ command: z.array(z.string()).optional() })).optional(),
});

function problemsOf(text: string): readonly ConfigProblem[] {
  try {
    parseConfig(text, "castellan.yaml", schema);
    return [];
  } catch (thrown) {
    if (thrown instanceof ConfigError) return thrown.problems;
    throw thrown;
  }
}
const words = (text: string): string =>
  problemsOf(text)
    .map(({ message }) => message)
    .join("; ");
const many = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => line(index)).join("\n");

describe("a bad configuration file", () => {
  it.each([
    ["nested brackets", "[".repeat(100_000), /nested too deeply/],
    ["closed nested brackets", `${"[".repeat(100_000)}${"]".repeat(100_000)}`, /nested too deeply/],
    ["nested braces", "{a: ".repeat(100_000), /nested too deeply/],
    ["nested blocks", many(1000, (index) => `${" ".repeat(index)}a:`), /nested too deeply/],
    ["a line of dashes", "- ".repeat(200_000), /nested too deeply/],
    ["a line of question marks", "? ".repeat(200_000), /nested too deeply/],
    ["deep after a scalar of several lines", `a: "x\n y"\nb: ${"[".repeat(1000)}`, /nested too deeply/],
    ["garbage punctuation", ": [}{".repeat(100_000), /too much|nested/],
    ["a chain of aliases", many(5000, (index) => `a${index}: &x${index} [*x${index - 1}]`), /aliases/],
    [
      "a bomb of aliases",
      `a0: &a0 [x,x]\n${many(9, (n) => `a${n + 1}: &a${n + 1} [${`*a${n},`.repeat(9)}]`)}`,
      /alias/i,
    ],
    ["an alias of itself", "node: &a [*a]\n", /./],
    ["a NUL byte", "node: a\0b\n", /control character \\x00/],
    ["an escape sequence", "node: \u001b[2J\n", /control character \\x1b/],
    ["line ends of an old Mac", "node: a\rtypes: {}\r", /control character/],
    ["a tag that asks for code", "node: !!js/function 'function () { process.exit() }'\n", /tag/i],
    ["a tag of somebody else's", "node: !<tag:example.com,2000:x> a\n", /tag/i],
    ["a second document", "node: a\n---\nnode: b\n", /second document/],
    ["a tab as indent", "types:\n\tA: {}\n", /tab/i],
    ["a key that is a list", "? [a, b]\n: c\n", /key must be a word/],
    ["a key that is an object's", "__proto__: { node: x }\n", /unknown key __proto__/],
    ["a constructor", "constructor: { prototype: {} }\n", /unknown key/],
    ["a constructor inside", "types: { A: { constructor: 1 } }\n", /unknown key/],
  ])("with %s is refused at once", (_, text, expected) => {
    expect(words(text)).toMatch(expected);
    for (const { line, file } of problemsOf(text)) {
      expect(file).toBe("castellan.yaml");
      expect(line ?? 1).toBeGreaterThan(0);
    }
  });

  it("with five thousand keys is read, and with one of them twice refused, both in moments", () => {
    const text = `types:\n${many(5_000, (index) => `  T${index}: {}`)}\n`;
    expect(problemsOf(text)).toEqual([]);
    expect(problemsOf(`${text}  T7: {}\n`)).toMatchObject([{ line: 5_002, column: 3, message: /T7/ }]);
  });

  it("with thousands of problems names the first and counts the others", () => {
    const text = `types:\n${many(500, (index) => `  T${index}: { bad: 1 }`)}\n`;
    expect(problemsOf(text)).toHaveLength(50);
    expect(() => parseConfig(text, "f", schema)).toThrow(/and 450 more problems/);
  });

  it("names line and column of keys and values, also after CRLF and a byte order mark", () => {
    expect(problemsOf("\uFEFFnode: a\r\ntypes:\r\n  A:\r\n    comand: [x]\r\n")).toMatchObject([
      { line: 4, column: 5, path: "types.A.comand", message: "unknown key" },
    ]);
    expect(problemsOf("types:\n  A:\n    command: text\n")).toMatchObject([{ line: 3, column: 14 }]);
  });

  it("is refused or read, whatever it holds", () => {
    const piece = fc.oneof(
      fc.string(),
      fc.string({ unit: "binary" }),
      fc.constantFrom(
        "\n",
        "  ",
        "- ",
        "? ",
        ": ",
        "node",
        "types:",
        "[",
        "]",
        "{",
        "}",
        "&a ",
        "*a",
        "!!set",
        "!",
        "|\n",
        ">\n",
        "%YAML 1.1\n",
        "---\n",
        "...\n",
        '"',
        "'",
        "#",
        "\t",
        "\r\n",
        "<<",
        "~",
        "@",
        "`",
        ",",
        "\u2028",
        "\ud800",
        "0x1F",
        ".nan",
        "1e400",
      ),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        problemsOf(pieces.join(""));
      }),
      {
        numRuns: 500,
        examples: [[["node: &a ", "*a"]], [["? ", "? ", "- ", "{"]], [["\ud800"]], [["%YAML 1.1\n", "---\n"]]],
      },
    );
  });
});
