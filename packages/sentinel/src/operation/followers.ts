/**
 * What becomes of those that depend on a process that dies, is replaced or restarted: `onRestart` of the edge says. Pure.
 *
 * | onRestart | when the process dies                                  | when it is RESTARTED by order  |
 * |-----------|--------------------------------------------------------|--------------------------------|
 * | none      | nothing                                                | nothing                        |
 * | restart   | restarted once it is ready again                       | restarted after it             |
 * | stop      | stopped at once, until somebody starts it              | stopped before                 |
 * | wait      | stopped at once (held), started when all it needs is ready | restarted after it         |
 *
 * F1 It goes on through the graph: who is restarted, held or stopped is lost to those who depend on it.
 * F2 Of several edges the strongest holds: stop, then wait, then restart.
 * F3 Only what is up is touched; what was stopped by order stays stopped.
 */
import { findCycle } from "@castellan/protocol";
import { hasEnded, type OpenOperation } from "./overlap.ts";
import type { PlannedInstance, PlannerView, PlanStep } from "./plan.ts";
import { isFooting, isMissing, isReady, isUp } from "./plan-checks.ts";
import { allOf, layOut } from "./steps.ts";
import { dependenciesThrough, type OrderedTypes, startOrder } from "./type-graph.ts";

export type Following = "restart" | "wait" | "stop";

const STRENGTH: Readonly<Record<Following, number>> = { restart: 1, wait: 2, stop: 3 };

/**
 * The types that are drawn in when all of `lost` are, and how. `ordered`: by an order that also brings them back, so that
 * nobody need be held meanwhile.
 */
export function followersOf(
  lost: Iterable<string>,
  types: OrderedTypes,
  ordered: boolean,
): ReadonlyMap<string, Following> {
  const following = new Map<string, Following>();
  if (findCycle(types) !== null) return following;
  const origins = new Set(lost);
  for (const name of startOrder(types)) {
    if (origins.has(name)) continue;
    for (const edge of types.get(name)?.dependsOn ?? []) {
      const of = origins.has(edge.type) ? "restart" : following.get(edge.type);
      if (of === undefined || edge.onRestart === "none") continue;
      const asked = ordered && edge.onRestart === "wait" ? "restart" : edge.onRestart;
      // What is held or stopped does not come back within this: nobody can be restarted after it.
      if (asked === "restart" && of !== "restart") continue;
      const known = following.get(name);
      if (known === undefined || STRENGTH[asked] > STRENGTH[known]) following.set(name, asked);
    }
  }
  return following;
}

const keyOf = ({ serverId, type, instance }: Pick<PlannedInstance, "serverId" | "type" | "instance">): string =>
  `${serverId}/${type}/${instance}`;

/** The instances that are treated `how`, of those it can concern: what is paused or ending has nothing to be restarted for. */
function pick(
  view: PlannerView,
  following: ReadonlyMap<string, Following>,
  how: Following,
  isMeant: (other: PlannedInstance) => boolean = () => true,
): PlannedInstance[] {
  const concerns = (other: PlannedInstance): boolean =>
    !other.held && (how === "restart" ? other.status === "RUNNING" || other.status === "STARTING" : isUp(other));
  return view.instances.filter((other) => following.get(other.type) === how && concerns(other) && isMeant(other));
}

/** RESTARTED for all `instances`, and what follows from it for who depends on them. */
export function restartSteps(instances: readonly PlannedInstance[], view: PlannerView): PlanStep[] {
  const inside = new Set(instances.map(keyOf));
  const following = followersOf(new Set(instances.map(({ type }) => type)), view.types, true);
  // What is being started by somebody else starts after this anyway, or with it; nothing waits for who is missing.
  const drawnIn = (how: Following): PlannedInstance[] =>
    pick(
      view,
      following,
      how,
      (other) =>
        !inside.has(keyOf(other)) &&
        !isMissing(view, other.serverId) &&
        (how !== "restart" || other.status === "RUNNING"),
    );
  const stops = layOut(drawnIn("stop"), view, { direction: "down", desired: "STOPPED" });
  const restarts = layOut([...instances, ...drawnIn("restart")], view, {
    direction: "up",
    desired: "RESTARTED",
    isRolling: true,
    after: stops,
    waitsFor: allOf(stops),
  });
  return [...stops, ...restarts];
}

/**
 * What follows from the death of one process; empty: nothing, as with one that nobody relies on (temporary, disabled). `view` as
 * it is, not as operations under way will make it: who is being restarted may rely on the one that died.
 */
export function lossSteps(lost: PlannedInstance, view: PlannerView): PlanStep[] {
  if (!isFooting(lost)) return [];
  const following = followersOf([lost.type], view.types, false);
  const stops = layOut(pick(view, following, "stop"), view, { direction: "down", desired: "STOPPED" });
  const holds = layOut(pick(view, following, "wait"), view, { direction: "down", desired: "HELD", after: stops });
  const down = [...stops, ...holds];
  // Stopped by order since: it does not come back by itself, and must not be started by this.
  const restarts = isUp(lost) || lost.status === "SUSPENDED" ? pick(view, following, "restart") : [];
  if (restarts.length === 0) return down;
  const back = layOut([lost], view, { direction: "free", desired: "RUNNING", after: down });
  const after = [...down, ...back];
  const layout = { direction: "up", desired: "RESTARTED", isRolling: true, after, waitsFor: allOf(back) } as const;
  return [...after, ...layOut(restarts, view, layout)];
}

/**
 * Brings back those that are held and whose dependencies are ready now (or come back with them); empty: none. Not the
 * foreground while it is not on the master: it moves first.
 */
export function releaseSteps(view: PlannerView, open: readonly OpenOperation[]): PlanStep[] {
  const busy = new Set(open.flatMap(({ steps }) => steps.filter(({ state }) => !hasEnded(state)).map(keyOf)));
  const mayRun = (one: PlannedInstance): boolean =>
    !isMissing(view, one.serverId) &&
    (one.serverId === view.masterId || view.types.get(one.type)?.layer !== "foreground");
  let released = view.instances.filter((instance) => instance.held && !busy.has(keyOf(instance)) && mayRun(instance));
  for (let before = -1; before !== released.length; ) {
    before = released.length;
    const coming = new Set(released.map(keyOf));
    const missing = new Set(
      view.instances
        .filter((one) => isFooting(one) && !(isReady(one) && !isMissing(view, one.serverId)) && !coming.has(keyOf(one)))
        .map(({ type }) => type),
    );
    const enabled = new Set(view.instances.filter(isFooting).map(({ type }) => type));
    released = released.filter(({ type }) => {
      const needs = dependenciesThrough(type, view.types, (other) => enabled.has(other));
      return ![...needs].some((needed) => missing.has(needed));
    });
  }
  if (released.length === 0) return [];
  const starts = layOut(released, view, { direction: "up", desired: "RUNNING" });
  const following = followersOf(new Set(released.map(({ type }) => type)), view.types, true);
  const isTold = (other: PlannedInstance): boolean => !busy.has(keyOf(other)) && !isMissing(view, other.serverId);
  const restarts = pick(view, following, "restart", isTold);
  const layout = { direction: "up", desired: "RESTARTED", after: starts, waitsFor: allOf(starts) } as const;
  return [...starts, ...layOut(restarts, view, { ...layout, isRolling: true })];
}
