import * as fc from "fast-check";
import { expect, test } from "vitest";
import { parseFspart, resolveThreshold } from "../../src/disk/fspart.ts";

const parse = (text: string): ReturnType<typeof parseFspart> => parseFspart(text, "/srv/home");

test("reads paths, minima, warning levels, comments and quotes", () => {
  const text = [
    "# file systems of this server",
    "",
    "/data            # default minimum",
    "/var/log/  500M",
    "/mnt/x\t2G 10%\r",
    '"/mnt/two words" 5%',
    "'/mnt/with # hash'",
    "./data 1024",
    ".",
  ].join("\n");
  expect(parse(text)).toEqual({
    entries: [
      { line: 3, path: "/data", minimum: null, warning: null },
      { line: 4, path: "/var/log", minimum: { unit: "bytes", value: 500 * 1024 ** 2 }, warning: null },
      {
        line: 5,
        path: "/mnt/x",
        minimum: { unit: "bytes", value: 2 * 1024 ** 3 },
        warning: { unit: "percent", value: 10 },
      },
      { line: 6, path: "/mnt/two words", minimum: { unit: "percent", value: 5 }, warning: null },
      { line: 7, path: "/mnt/with # hash", minimum: null, warning: null },
      { line: 8, path: "/srv/home/data", minimum: { unit: "bytes", value: 1024 }, warning: null },
      { line: 9, path: "/srv/home", minimum: null, warning: null },
    ],
    problems: [],
  });
});

test.each([
  ["garbage here", 0, /begin with a path/],
  ["/data 5 apples", 1, /"apples" is not a size/],
  ["/data 120%", 1, /not a size/],
  ["/data 1G 2G 3G", 1, /more than a path/],
  ['"/data', 0, /quote/],
  ["/data 5% 3%", 1, /not above the minimum/],
])("a bad line is a problem with its number: %s", (line, entries, message) => {
  const { entries: found, problems } = parse(`# first\n${line}`);
  expect(found).toHaveLength(entries);
  expect(problems).toEqual([{ line: 2, text: line, message: expect.stringMatching(message) }]);
});

test("a level that cannot be read leaves the path watched at the default", () => {
  expect(parse("/data 500 M").entries).toEqual([{ line: 1, path: "/data", minimum: null, warning: null }]);
});

test("the first of two lines for one path counts", () => {
  const { entries, problems } = parse("/data 1G\n/data/ 2G");
  expect(entries).toHaveLength(1);
  expect(problems[0]?.message).toMatch(/line 1 already/);
});

test("an absurd size is clamped, not refused", () => {
  expect(parse("/data 9999P").entries[0]?.minimum).toEqual({ unit: "bytes", value: Number.MAX_SAFE_INTEGER });
});

test("a percentage is a share of the file system", () => {
  expect(resolveThreshold({ unit: "percent", value: 5 }, 1000)).toBe(50);
});

test("any text gives entries with absolute paths, unique, and never an error", () => {
  const line = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.stringMatching(/^[/.'"# \t%0-9MG\\]{0,40}$/),
    fc.constantFrom("/data 5%", "/data", '"/a b" 1G', "./x"),
  );
  fc.assert(
    fc.property(fc.array(line), fc.constantFrom("\n", "\r\n", "\0"), (lines, end) => {
      const { entries, problems } = parse(lines.join(end));
      const paths = entries.map(({ path }) => path);
      expect(paths.every((path) => path.startsWith("/") && !path.includes("\0"))).toBe(true);
      expect(new Set(paths).size).toBe(paths.length);
      expect(problems.length).toBeLessThanOrEqual(100);
    }),
  );
});
