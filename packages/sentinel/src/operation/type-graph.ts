/**
 * The order that `dependsOn` puts process types in. An edge to a type means: all its enabled instances are ready first.
 * An edge to a type nobody has defined is left out here; the planner refuses it by name where it matters.
 */
import { CastellanError } from "@castellan/kernel";
import { findCycle, type ProcessType } from "@castellan/protocol";

/** What the order follows from; a `ProcessType` is one. */
export type OrderedType = Pick<ProcessType, "dependsOn" | "layer">;
export type OrderedTypes = ReadonlyMap<string, OrderedType>;

/** The defined types `name` names in `dependsOn`. */
function edgesOf(types: OrderedTypes, name: string): string[] {
  return (types.get(name)?.dependsOn ?? []).map((edge) => edge.type).filter((type) => types.has(type));
}

/** Level of every type that can be ordered: 0 depends on nothing. What lies on a cycle, or behind one, is missing. */
function levelsOf(types: OrderedTypes): Map<string, number> {
  const waiting = new Map<string, number>();
  const dependents = new Map<string, string[]>();
  for (const name of types.keys()) {
    const edges = new Set(edgesOf(types, name));
    waiting.set(name, edges.size);
    for (const edge of edges) {
      const list = dependents.get(edge);
      if (list === undefined) dependents.set(edge, [name]);
      else list.push(name);
    }
  }
  const levels = new Map<string, number>();
  let free = [...types.keys()].filter((name) => waiting.get(name) === 0);
  for (let level = 0; free.length > 0; level += 1) {
    const next: string[] = [];
    for (const name of free) {
      levels.set(name, level);
      for (const dependent of dependents.get(name) ?? []) {
        const left = (waiting.get(dependent) ?? 0) - 1;
        waiting.set(dependent, left);
        if (left === 0) next.push(dependent);
      }
    }
    free = next;
  }
  return levels;
}

/**
 * All types, each after everything it depends on; among equals the foreground comes first, then the alphabet decides, so
 * that equal definitions give equal plans. Throws `CYCLE` with the cycle printed.
 */
export function startOrder(types: OrderedTypes): readonly string[] {
  const cycle = findCycle(types);
  if (cycle !== null) throw cycleError(cycle);
  const levels = levelsOf(types);
  const rank = (name: string): number =>
    (levels.get(name) ?? 0) * 2 + (types.get(name)?.layer === "foreground" ? 0 : 1);
  return [...types.keys()].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

export function cycleError(cycle: readonly string[]): CastellanError {
  const printed = cycle.join(" -> ");
  return new CastellanError("CYCLE", `these process types wait for each other: ${printed}; remove one of the edges`, {
    details: { cycle: [...cycle] },
  });
}

/** The types `type` depends on for which `counts`, looking through those for which it does not. */
export function dependenciesThrough(
  type: string,
  types: OrderedTypes,
  counts: (type: string) => boolean,
): ReadonlySet<string> {
  const found = new Set<string>();
  const seen = new Set<string>();
  const open = [type];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const edge of types.get(next)?.dependsOn ?? []) {
      if (seen.has(edge.type)) continue;
      seen.add(edge.type);
      if (counts(edge.type)) found.add(edge.type);
      else open.push(edge.type);
    }
  }
  return found;
}

/** The part of `types` that `roots` are and depend on, near or far. */
export function closureOf(roots: Iterable<string>, types: OrderedTypes): OrderedTypes {
  const closure = new Map<string, OrderedType>();
  const open = [...roots];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const type = types.get(name);
    if (type === undefined || closure.has(name)) continue;
    closure.set(name, type);
    open.push(...type.dependsOn.map((edge) => edge.type));
  }
  return closure;
}
