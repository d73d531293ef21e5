/**
 * Turns a request into steps with dependencies, or into a refusal before anything has begun. Pure: equal requests over
 * equal views give equal plans.
 *
 * P1 Every enabled instance of the target has exactly one step (PAUSE and UNPAUSE: every one that is pausable and up).
 * P2 START, RESTART: a step depends on all steps of the types its type depends on, through types without a step.
 * P3 SHUTDOWN is the reverse: a step depends on all steps of the types that depend on its type.
 * P4 What is needed but lies outside the target is up already, or the request is refused naming it (`plan-checks.ts`).
 * P5 Steps of one type have consecutive seqs, and a step depends on smaller seqs only.
 */
import type { CastellanError } from "@castellan/kernel";
import type { DesiredState, OperationVerb } from "@castellan/protocol";
import type { PlannedInstance, PlannerView, PlanRequest, PlanStep, SeqRange } from "./plan.ts";
import {
  findCycleAmong,
  findDependents,
  findForegroundElsewhere,
  findImpossibleTypes,
  findMissingDependency,
  findNotDynamic,
  findNotPausable,
  isUp,
} from "./plan-checks.ts";
import { selectInstances } from "./target.ts";
import { closureOf, dependenciesThrough, startOrder } from "./type-graph.ts";

export type Planned =
  /** No step at all is a plan too: there is nothing to do, and `note` says why. */
  | { readonly kind: "plan"; readonly steps: readonly PlanStep[]; readonly note: string | null }
  | { readonly kind: "refused"; readonly refusal: CastellanError };

const DESIRED: Readonly<Record<OperationVerb, DesiredState>> = {
  start: "RUNNING",
  shutdown: "STOPPED",
  restart: "RESTARTED",
  pause: "PAUSED",
  unpause: "UNPAUSED",
};

export function plan(request: PlanRequest, view: PlannerView): Planned {
  const selection = selectInstances(request.target, view);
  if (selection.kind === "refused") return selection;
  const instances = choose(request, selection.instances, view);
  const refusal = check(request, instances, view);
  if (refusal !== null) return { kind: "refused", refusal };
  if (instances.length === 0) return { kind: "plan", steps: [], note: emptyNote(request, selection.instances) };
  return { kind: "plan", steps: stepsOf(request.verb, instances, view), note: null };
}

/** Which of the target's instances take part. */
function choose(
  { verb, target }: PlanRequest,
  all: readonly PlannedInstance[],
  view: PlannerView,
): readonly PlannedInstance[] {
  const named = target.instance !== undefined;
  switch (verb) {
    case "start":
    case "restart":
      return all.filter(({ enabled }) => enabled || named);
    case "shutdown":
      return all.filter((instance) => instance.enabled || named || isUp(instance));
    case "pause":
    case "unpause":
      return all.filter((instance) => named || ((view.types.get(instance.type)?.pausable ?? false) && isUp(instance)));
  }
}

/** The first reason not to do it; null when there is none. */
function check(request: PlanRequest, instances: readonly PlannedInstance[], view: PlannerView): CastellanError | null {
  switch (request.verb) {
    case "start":
      return (
        findNotDynamic(request, view) ??
        findCycleAmong(instances, view) ??
        findImpossibleTypes(instances, view) ??
        findForegroundElsewhere(instances, view) ??
        findMissingDependency(instances, view)
      );
    case "restart":
      return (
        findCycleAmong(instances, view) ??
        findImpossibleTypes(instances, view) ??
        findForegroundElsewhere(instances, view) ??
        findMissingDependency(instances, view)
      );
    case "shutdown":
      return findNotDynamic(request, view) ?? findCycleAmong(instances, view) ?? findDependents(instances, view);
    case "pause":
    case "unpause":
      return findNotPausable(request, view) ?? findCycleAmong(instances, view);
  }
}

function emptyNote({ verb }: PlanRequest, all: readonly PlannedInstance[]): string {
  if (all.length === 0) return "nothing to do: no instance is defined";
  if (verb === "pause" || verb === "unpause") return "nothing to do: nothing that can be paused is up";
  return "nothing to do: every instance is disabled";
}

function stepsOf(verb: OperationVerb, instances: readonly PlannedInstance[], view: PlannerView): PlanStep[] {
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
  if (verb === "shutdown") ordered.reverse();
  const edges = verb === "pause" || verb === "unpause" ? new Map<string, string[]>() : planEdges(verb, ordered, view);

  const ranges = new Map<string, SeqRange>();
  const steps: PlanStep[] = [];
  for (const type of ordered) {
    const group = (byType.get(type) ?? []).sort((a, b) => a.serverId - b.serverId || a.instance - b.instance);
    if (verb === "shutdown") group.reverse();
    const dependsOn = (edges.get(type) ?? [])
      .map((before) => ranges.get(before))
      .filter((range) => range !== undefined)
      .sort(([a], [b]) => a - b);
    ranges.set(type, [steps.length + 1, steps.length + group.length]);
    for (const { serverId, server, instance } of group) {
      steps.push({ seq: steps.length + 1, serverId, server, type, instance, desired: DESIRED[verb], dependsOn });
    }
  }
  return steps;
}

/** For each planned type the planned types whose steps come before its own. */
function planEdges(verb: OperationVerb, planned: readonly string[], view: PlannerView): Map<string, string[]> {
  const isPlanned = new Set(planned);
  const edges = new Map<string, string[]>();
  const add = (from: string, to: string): void => {
    const list = edges.get(from);
    if (list === undefined) edges.set(from, [to]);
    else list.push(to);
  };
  for (const type of planned) {
    for (const dependency of dependenciesThrough(type, view.types, (other) => isPlanned.has(other))) {
      if (verb === "shutdown") add(dependency, type);
      else add(type, dependency);
    }
  }
  return edges;
}
