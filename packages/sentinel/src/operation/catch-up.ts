/**
 * What could not be done because a server was missing, done when it is there again; and what a server that has just been
 * started is to run. Pure, but for the look into the journal.
 *
 * | its latest step, left undone | it is            | then                                                  |
 * |------------------------------|------------------|-------------------------------------------------------|
 * | RUNNING, RESTARTED           | STOPPED, enabled | started, once all it needs is ready or starts with it |
 * | STOPPED                      | up               | stopped, unless somebody who is up needs it           |
 * | anything else                | -                | nothing                                               |
 *
 * C1 The latest step is the last word: what a person has ordered since holds.
 * C2 Nothing is done on a server that is missing, nor while something is under way for the instance.
 */
import { type DesiredState, findCycle, isLeftUndone } from "@castellan/protocol";
import type { Gateway } from "@castellan/store";
import { instanceLabel, listOf, type PlannedInstance, type PlannerView, type PlanStep } from "./plan.ts";
import { findDependents, isFooting, isMissing, isReady, isUp } from "./plan-checks.ts";
import { allOf, layOut } from "./steps.ts";
import { dependenciesThrough } from "./type-graph.ts";

/** By `keyOf` the instance: what was last wanted of it and left undone. */
export type LastWords = ReadonlyMap<string, DesiredState>;

export const keyOf = ({ serverId, type, instance }: Pick<PlannedInstance, "serverId" | "type" | "instance">): string =>
  `${serverId}/${type}/${instance}`;

/** `isFree`: nothing is under way for it, and it has not been tried too often. */
export function catchUpSteps(
  view: PlannerView,
  lastWords: LastWords,
  isFree: (one: PlannedInstance) => boolean,
): PlanStep[] {
  if (lastWords.size === 0 || findCycle(view.types) !== null) return [];
  const candidates = view.instances.filter(
    (one) => lastWords.has(keyOf(one)) && !isMissing(view, one.serverId) && isFree(one),
  );
  const saying = (...words: DesiredState[]): PlannedInstance[] =>
    candidates.filter((one) => words.some((word) => lastWords.get(keyOf(one)) === word));
  const running = saying("STOPPED").filter(isUp);
  const stops = findDependents(running, view) === null ? running : [];
  const down = layOut(stops, view, { direction: "down", desired: "STOPPED" });
  const wanted = saying("RUNNING", "RESTARTED").filter(
    (one) => one.enabled && one.status === "STOPPED" && mayRunHere(one, view),
  );
  const { able } = splitByNeeds(wanted, view);
  return [...down, ...layOut(able, view, { direction: "up", desired: "RUNNING", after: down, waitsFor: allOf(down) })];
}

/**
 * What a server that has just been started is to run: a step for everything enabled there that nothing is under way for. What
 * lacks something is written down as not begun, and is caught up with later.
 */
export function bootSteps(serverId: number, view: PlannerView, isFree: (one: PlannedInstance) => boolean): PlanStep[] {
  const here = view.instances.filter((one) => one.serverId === serverId && isFooting(one) && isFree(one));
  const homeless = here.filter((one) => !mayRunHere(one, view));
  const { able, lacking } = splitByNeeds(
    here.filter((one) => mayRunHere(one, view)),
    view,
  );
  const steps = layOut(able, view, { direction: "up", desired: "RUNNING" });
  const reasons = new Map<PlannedInstance, string>([
    ...homeless.map((one) => [one, "the foreground runs on the master"] as const),
    ...lacking.map(([one, needs]) => [one, `it needs ${listOf(needs.map(instanceLabel), 3)}`] as const),
  ]);
  const later = layOut([...reasons.keys()], view, { direction: "free", desired: "RUNNING", after: steps });
  const reasonOf = new Map([...reasons].map(([one, why]) => [keyOf(one), why]));
  return [
    ...steps,
    ...later.map((step) => ({ ...step, notBegun: `NOT_YET: ${reasonOf.get(keyOf(step)) ?? "not now"}` })),
  ];
}

const mayRunHere = ({ type, serverId }: PlannedInstance, view: PlannerView): boolean =>
  view.types.get(type)?.layer !== "foreground" || serverId === view.masterId;

interface Split {
  readonly able: readonly PlannedInstance[];
  /** With what each of them lacks. */
  readonly lacking: readonly (readonly [PlannedInstance, readonly PlannedInstance[]])[];
}

/** Able is whose needs are all ready, or able too. */
function splitByNeeds(wanted: readonly PlannedInstance[], view: PlannerView): Split {
  const footing = view.instances.filter(isFooting);
  const enabled = new Set(footing.map(({ type }) => type));
  const isThere = (one: PlannedInstance): boolean => isReady(one) && !isMissing(view, one.serverId);
  const absent = footing.filter((one) => !isThere(one));
  const lacking: [PlannedInstance, readonly PlannedInstance[]][] = [];
  let able = wanted.filter(({ type }) => view.types.has(type));
  for (let before = -1; before !== able.length; ) {
    before = able.length;
    const coming = new Set(able.map(keyOf));
    const missing = absent.filter((one) => !coming.has(keyOf(one)));
    able = able.filter((one) => {
      const needs = dependenciesThrough(one.type, view.types, (other) => enabled.has(other));
      const lacks = missing.filter((other) => other.type !== one.type && needs.has(other.type));
      if (lacks.length > 0) lacking.push([one, lacks]);
      return lacks.length === 0;
    });
  }
  return { able, lacking };
}

/** Steps looked at, the latest: what is older than so many is forgotten. */
const MOST_STEPS = 5000;

/** What the latest step of each instance left undone. Ids sort by the time at which they were made. */
export async function readLastWords(gateway: Gateway, view: PlannerView): Promise<LastWords> {
  const steps = await gateway.find("operation_step", {
    orderBy: [
      { column: "operation_id", descending: true },
      { column: "seq", descending: true },
    ],
    limit: MOST_STEPS,
  });
  // The foreground moves, and what was said of it goes with it.
  const foreground = new Map(
    view.instances
      .filter(({ type }) => view.types.get(type)?.layer === "foreground")
      .map((one) => [`${one.type} ${one.instance}`, keyOf(one)]),
  );
  const words = new Map<string, DesiredState | null>();
  for (const row of steps) {
    const [type, instance] = [row.logical_process_name, row.logical_process_instance];
    const key = foreground.get(`${type} ${instance}`) ?? keyOf({ serverId: row.logical_machine_id, type, instance });
    if (!words.has(key))
      words.set(key, isLeftUndone({ state: row.state, result: row.result_text }) ? desiredOf(row.desired) : null);
  }
  return new Map([...words].flatMap(([key, word]) => (word === null ? [] : [[key, word] as const])));
}

const desiredOf = (stored: string): DesiredState | null =>
  stored === "RUNNING" || stored === "RESTARTED" || stored === "STOPPED" ? stored : null;
