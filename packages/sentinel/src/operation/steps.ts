/** Instances laid out as steps in the order that their types' dependencies ask for. Pure. */
import type { DesiredState } from "@castellan/protocol";
import type { PlannedInstance, PlannerView, PlanStep, SeqRange } from "./plan.ts";
import { isMissing, isUp } from "./plan-checks.ts";
import { closureOf, dependenciesThrough, startOrder } from "./type-graph.ts";

export interface Layout {
  /** `up`: after all that the type needs; `down`: after all that needs the type; `free`: in no order. */
  readonly direction: "up" | "down" | "free";
  readonly desired: DesiredState;
  /** One instance of a type after the other, so that the rest of them serve meanwhile; nobody waits for those that are down or missing. */
  readonly isRolling?: boolean;
  /** Steps that are laid out already: these go on from their last seq. */
  readonly after?: readonly PlanStep[];
  /** What every one of these steps waits for besides. */
  readonly waitsFor?: readonly SeqRange[];
}

/** The new steps only. Steps of one type have consecutive seqs, and a step depends on smaller seqs only. */
export function layOut(instances: readonly PlannedInstance[], view: PlannerView, layout: Layout): PlanStep[] {
  const { direction, desired, isRolling = false, after = [], waitsFor = [] } = layout;
  const byType = new Map<string, PlannedInstance[]>();
  for (const instance of instances) {
    const group = byType.get(instance.type);
    if (group === undefined) byType.set(instance.type, [instance]);
    else group.push(instance);
  }
  const order = startOrder(closureOf(byType.keys(), view.types)).filter((type) => byType.has(type));
  // A type without a definition has no edges: what runs can be stopped after its type was deleted.
  const undefinedTypes = [...byType.keys()].filter((type) => !view.types.has(type)).sort();
  const ordered = [...order, ...undefinedTypes];
  if (direction === "down") ordered.reverse();
  const edges = direction === "free" ? new Map<string, string[]>() : edgesAmong(ordered, direction, view);

  const ranges = new Map<string, SeqRange>();
  const steps: PlanStep[] = [];
  let seq = after.length;
  for (const type of ordered) {
    const group = (byType.get(type) ?? []).sort((a, b) => a.serverId - b.serverId || a.instance - b.instance);
    if (direction === "down") group.reverse();
    const before = (edges.get(type) ?? []).map((other) => ranges.get(other)).filter((range) => range !== undefined);
    const dependsOn = [...waitsFor, ...before].sort(([a], [b]) => a - b);
    ranges.set(type, [seq + 1, seq + group.length]);
    let lastUp: number | null = null;
    for (const instance of group) {
      seq += 1;
      const rolls = isRolling && isUp(instance) && !isMissing(view, instance.serverId);
      const { serverId, server } = instance;
      steps.push({
        seq,
        serverId,
        server,
        type,
        instance: instance.instance,
        desired,
        dependsOn: rolls && lastUp !== null ? [...dependsOn, [lastUp, lastUp]] : dependsOn,
      });
      if (rolls) lastUp = seq;
    }
  }
  return steps;
}

/** For each type the types whose steps come before its own. */
function edgesAmong(planned: readonly string[], direction: "up" | "down", view: PlannerView): Map<string, string[]> {
  const isPlanned = new Set(planned);
  const edges = new Map<string, string[]>();
  const add = (from: string, to: string): void => {
    const list = edges.get(from);
    if (list === undefined) edges.set(from, [to]);
    else list.push(to);
  };
  for (const type of planned) {
    for (const dependency of dependenciesThrough(type, view.types, (other) => isPlanned.has(other))) {
      if (direction === "down") add(dependency, type);
      else add(type, dependency);
    }
  }
  return edges;
}

/** All of the steps, as a step that comes after them names them. */
export function allOf(steps: readonly PlanStep[]): readonly SeqRange[] {
  const [first, last] = [steps[0], steps.at(-1)];
  return first === undefined || last === undefined ? [] : [[first.seq, last.seq]];
}
