/** The graph of process types: an edge leads from a type to each type it depends on. */

interface Dependent {
  readonly dependsOn: readonly { readonly type: string }[];
}

/**
 * A cycle of dependencies as the names along it, the first repeated at the end (`["A", "B", "A"]`), or null when there is
 * none. Types that are only named and not defined have no edges. Takes time linear in types and edges, and no recursion,
 * so that a long chain is no danger.
 */
export function findCycle(types: ReadonlyMap<string, Dependent>): readonly string[] | null {
  const finished = new Set<string>();
  for (const start of types.keys()) {
    const cycle = finished.has(start) ? null : walkFrom(start, types, finished);
    if (cycle) return cycle;
  }
  return null;
}

/** Depth first; `path` holds the types between `start` and the one looked at, with the edges not yet followed. */
function walkFrom(
  start: string,
  types: ReadonlyMap<string, Dependent>,
  finished: Set<string>,
): readonly string[] | null {
  const edgesOf = (name: string): string[] => types.get(name)?.dependsOn.map((edge) => edge.type) ?? [];
  const path = [{ name: start, edges: edgesOf(start) }];
  const onPath = new Set([start]);
  for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
    const next = top.edges.pop();
    if (next === undefined) {
      path.pop();
      onPath.delete(top.name);
      finished.add(top.name);
    } else if (onPath.has(next)) {
      const names = path.map((step) => step.name);
      return [...names.slice(names.indexOf(next)), next];
    } else if (!finished.has(next)) {
      onPath.add(next);
      path.push({ name: next, edges: edgesOf(next) });
    }
  }
  return null;
}
