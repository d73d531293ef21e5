import * as fc from "fast-check";
import { expect, test } from "vitest";
import { typeOf, verbOf } from "../src/index.ts";

test("verbs read well", () => {
  expect(["GetStatus", "Bring", "ReleaseWorkItem", "BringUp2"].map(verbOf)).toEqual([
    "get-status",
    "bring",
    "release-work-item",
    "bring-up2",
  ]);
});

test("every PascalCase name survives the round trip through its verb, and no verb starts as a hidden one does", () => {
  const pascal = fc.stringMatching(/^([A-Z][a-z0-9]*){1,5}$/);
  fc.assert(
    fc.property(pascal, (name) => {
      expect(typeOf(verbOf(name))).toBe(name);
      expect(verbOf(name)).toMatch(/^[a-z][a-z0-9-]*$/);
    }),
  );
});
