/**
 * Turns a request into steps with dependencies, or into a refusal before anything has begun. Pure: equal requests over
 * equal views give equal plans.
 *
 * P1 Every enabled instance of the target has exactly one step (PAUSE and UNPAUSE: every one that is pausable and up).
 *    RESTART draws in those that depend on it as `followers.ts` says.
 * P2 START, RESTART: a step depends on all steps of the types its type depends on, through types without a step. RESTART
 *    takes the instances of a type that are up one after the other: when the first does not come back, the rest go on as they are.
 * P3 SHUTDOWN is the reverse: a step depends on all steps of the types that depend on its type.
 * P4 What is needed but lies outside the target is up already, or the request is refused naming it (`plan-checks.ts`).
 * P5 Steps of one type have consecutive seqs, and a step depends on smaller seqs only.
 */
import type { CastellanError } from "@castellan/kernel";
import { restartSteps } from "./followers.ts";
import type { PlannedInstance, PlannerView, PlanRequest, PlanStep, PlanVerb } from "./plan.ts";
import {
  findCycleAmong,
  findDependents,
  findForegroundElsewhere,
  findImpossibleTypes,
  findMissingDependency,
  findNotDynamic,
  findNotPausable,
  findServerMissing,
  isUp,
} from "./plan-checks.ts";
import { layOut } from "./steps.ts";
import { selectInstances } from "./target.ts";

export type Planned =
  /** No step at all is a plan too: there is nothing to do, and `note` says why. */
  | { readonly kind: "plan"; readonly steps: readonly PlanStep[]; readonly note: string | null }
  | { readonly kind: "refused"; readonly refusal: CastellanError };

export function plan(request: PlanRequest, view: PlannerView): Planned {
  const selection = selectInstances(request.target, view);
  if (selection.kind === "refused") return selection;
  const instances = choose(request, selection.instances, view);
  const refusal = findServerMissing(request, instances, view) ?? check(request, instances, view);
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
      // A temporary one that has been stopped is about to go.
      return all.filter((one) => named || (one.enabled && (one.persistent || one.status !== "STOPPED")));
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

function stepsOf(verb: PlanVerb, instances: readonly PlannedInstance[], view: PlannerView): PlanStep[] {
  switch (verb) {
    case "start":
      return layOut(instances, view, { direction: "up", desired: "RUNNING" });
    case "shutdown":
      return layOut(instances, view, { direction: "down", desired: "STOPPED" });
    case "restart":
      return restartSteps(instances, view);
    case "pause":
      return layOut(instances, view, { direction: "free", desired: "PAUSED" });
    case "unpause":
      return layOut(instances, view, { direction: "free", desired: "UNPAUSED" });
  }
}
