import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findCycle } from "../src/index.ts";

const graph = (edges: Readonly<Record<string, readonly string[]>>) =>
  new Map(Object.entries(edges).map(([name, to]) => [name, { dependsOn: to.map((type) => ({ type })) }]));

const names = ["A", "B", "C", "D", "E", "F", "G"];
const anyGraph = fc
  .array(fc.tuple(fc.constantFrom(...names), fc.constantFrom(...names)), { maxLength: 16 })
  .map((edges) => graph(Object.fromEntries(names.map((n) => [n, edges.filter(([f]) => f === n).map(([, to]) => to)]))));

/** The slow and obvious way: is there a path from a type back to itself? */
function reaches(types: ReturnType<typeof graph>, from: string, to: string): boolean {
  const seen = new Set<string>();
  const open = [from];
  while (open.length > 0) {
    for (const { type } of types.get(open.pop() ?? "")?.dependsOn ?? []) {
      if (type === to) return true;
      if (!seen.has(type)) open.push(type);
      seen.add(type);
    }
  }
  return false;
}

describe("findCycle", () => {
  it("finds none in a chain and in a diamond", () => {
    expect(findCycle(graph({ A: ["B", "C"], B: ["D"], C: ["D"], D: [] }))).toBeNull();
  });

  it("names the types along a cycle, the first again at the end", () => {
    expect(findCycle(graph({ X: ["A"], A: ["B"], B: ["C"], C: ["A"] }))).toEqual(["A", "B", "C", "A"]);
    expect(findCycle(graph({ A: ["A"] }))).toEqual(["A", "A"]);
  });

  it("does not follow types that are not defined", () => {
    expect(findCycle(graph({ A: ["NOWHERE"] }))).toBeNull();
  });

  it("survives a chain of 20,000 types", () => {
    const chain = Array.from({ length: 20_000 }, (_, at): [string, string[]] => [`T${at}`, [`T${at + 1}`]]);
    expect(findCycle(graph(Object.fromEntries(chain)))).toBeNull();
  });

  it("finds a real cycle exactly when there is one", () => {
    fc.assert(
      fc.property(anyGraph, (types) => {
        const cycle = findCycle(types);
        expect(cycle !== null).toBe(names.some((name) => reaches(types, name, name)));
        if (cycle === null) return;
        expect(cycle[0]).toBe(cycle.at(-1));
        cycle.slice(1).forEach((to, at) => {
          expect(types.get(cycle[at] ?? "")?.dependsOn.map((edge) => edge.type)).toContain(to);
        });
      }),
    );
  });
});
