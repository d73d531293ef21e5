import { expect, test } from "vitest";
import { decideFile, generationOf } from "../../src/error-file/cursor.ts";
import { isArchivedName, kindOfName, watchedDirectories } from "../../src/error-file/names.ts";

test.each([
  ["sw_error", false],
  ["sw_error.log", false],
  ["sw_warn", false],
  ["sw_error_batch", false],
  ["sw_error2", false],
  ["sw_error20120701.log", true],
  ["sw_warn20120701.log.gz", true],
  ["sw_error.1", true],
  ["sw_error.log.2.gz", true],
  ["sw_error-20260102", true],
  ["sw_error.old", true],
])("%s is archived: %s", (name, isArchived) => {
  expect(isArchivedName(name)).toBe(isArchived);
});

test("the kind follows from the name", () => {
  expect([kindOfName("sw_error.log"), kindOfName("sw_warn"), kindOfName("other.err")]).toEqual([
    "error-file",
    "warn-file",
    "error-file",
  ]);
});

test("directories of plain paths are watched, for names that begin like the pattern", () => {
  const directories = watchedDirectories(["logs/sw_error*", "logs/sw_warn*", "app/*/x", "a.err", "../x/y"]);
  expect([...directories]).toEqual([
    ["logs", ["sw_error", "sw_warn"]],
    [".", ["a.err"]],
  ]);
});

test.each([
  [null, 5, "new"],
  [5, 5, "unchanged"],
  [5, 6, "grown"],
  [5, 4, "truncated"],
])("cursor at %s and %s bytes: %s", (offset, size, change) => {
  expect(decideFile(offset === null ? null : { offset }, { size })).toBe(change);
});

test("a file that was emptied is another cause", () => {
  const file = { device: "1", inode: "2", birthTimeNs: "3" };
  expect(generationOf(file, 0)).toBe("1-2-3");
  expect(generationOf(file, 1)).not.toBe(generationOf(file, 0));
});
