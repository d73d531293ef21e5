/** Why a request is refused before anything begins. Every check answers with the first reason it finds, or null. Pure. */
import { CastellanError } from "@castellan/kernel";
import { findCycle } from "@castellan/protocol";
import { instanceLabel, listOf, type PlannedInstance, type PlannerView, type PlanRequest } from "./plan.ts";
import { closureOf, cycleError, dependenciesThrough } from "./type-graph.ts";

type Finding = CastellanError | null;

/** A process exists, or is about to. */
export function isUp({ status }: Pick<PlannedInstance, "status">): boolean {
  return status !== "STOPPED" && status !== "SUSPENDED";
}

/** Dependents rely on it: a temporary one comes and goes without them. */
export function isFooting({ enabled, persistent }: Pick<PlannedInstance, "enabled" | "persistent">): boolean {
  return enabled && persistent;
}

/** A dependent may rely on it. */
export function isReady({ status }: Pick<PlannedInstance, "status">): boolean {
  return status === "RUNNING" || status === "PAUSED";
}

const typesOf = (instances: readonly PlannedInstance[]): Set<string> => new Set(instances.map(({ type }) => type));
const keyOf = ({ serverId, type, instance }: PlannedInstance): string => `${serverId}/${type}/${instance}`;

/** START and SHUTDOWN of a type that only starts and stops with its server. RESTART may: it revives the suspended. */
export function findNotDynamic({ verb, target }: PlanRequest, view: PlannerView): Finding {
  if (target.type === undefined || (view.types.get(target.type)?.dynamic ?? true)) return null;
  return new CastellanError(
    "NOT_DYNAMIC",
    `${target.type} cannot be ${verb === "start" ? "started" : "stopped"} alone: ${verb} its server or the node instead`,
    { details: { type: target.type } },
  );
}

export function findCycleAmong(instances: readonly PlannedInstance[], view: PlannerView): Finding {
  const cycle = findCycle(closureOf(typesOf(instances), view.types));
  return cycle === null ? null : cycleError(cycle);
}

/** A row of a type nobody defined, or whose definition cannot be read; an edge to such a type. */
export function findImpossibleTypes(instances: readonly PlannedInstance[], view: PlannerView): Finding {
  for (const instance of instances) {
    if (view.types.has(instance.type)) continue;
    const why = view.problems.length > 0 ? `; definitions that cannot be read: ${listOf(view.problems, 3)}` : "";
    return new CastellanError(
      "UNDEFINED_TYPE",
      `${instanceLabel(instance)} is configured, but process type ${instance.type} is not defined${why}`,
      { details: { type: instance.type, problems: view.problems.slice(0, 10) } },
    );
  }
  for (const [name, { dependsOn }] of closureOf(typesOf(instances), view.types)) {
    const missing = dependsOn.find((edge) => !view.types.has(edge.type));
    if (missing === undefined) continue;
    return new CastellanError("UNDEFINED_TYPE", `${name} depends on ${missing.type}, which is not defined`, {
      details: { type: missing.type, neededBy: name, problems: view.problems.slice(0, 10) },
    });
  }
  return null;
}

/**
 * Foreground processes run on the master only. The ones elsewhere move there by themselves (`foreground.ts`): in order while
 * their server is up, which does not keep anybody from starting them; else once they have certainly ended. Never where the
 * master has the same numbers itself.
 */
export function findForegroundElsewhere(instances: readonly PlannedInstance[], view: PlannerView): Finding {
  if (view.masterId === null) return null;
  const strays = instances.filter(
    ({ type, serverId }) => view.types.get(type)?.layer === "foreground" && serverId !== view.masterId,
  );
  if (strays.length === 0) return null;
  const master = serverName(view, view.masterId);
  const taken = new Set(
    view.instances
      .filter(({ serverId }) => serverId === view.masterId)
      .map(({ type, instance }) => `${type} ${instance}`),
  );
  const stuck = strays.filter(({ type, instance }) => taken.has(`${type} ${instance}`));
  if (stuck.length > 0) {
    return new CastellanError(
      "FOREGROUND_NOT_ON_MASTER",
      `foreground processes run on the master (${master}) only, but these are configured elsewhere, under numbers that it has too: ${listOf(stuck.map(instanceLabel))}`,
      { details: { master, instances: stuck.slice(0, 50).map(instanceLabel) } },
    );
  }
  const away = strays.filter(({ serverId }) => isMissing(view, serverId));
  const [first] = away;
  if (first === undefined) return null;
  return new CastellanError(
    "FOREGROUND_MOVES",
    `${listOf(away.map(instanceLabel))} cannot be started there: ${first.server} is missing; the foreground moves to ${master} ` +
      "by itself as soon as it has certainly ended there, or goes on there if it returns first: try again then",
    { retryable: true, details: { master, instances: away.slice(0, 50).map(instanceLabel) } },
  );
}

/** A server that cannot be told anything now. The master never says this of itself. */
export function isMissing({ masterId, servers }: Pick<PlannerView, "masterId" | "servers">, serverId: number): boolean {
  if (serverId === masterId) return false;
  const state = servers.find(({ id }) => id === serverId)?.state ?? "down";
  return state === "down" || state === "isolated";
}

const serverName = (view: PlannerView, id: number): string =>
  view.servers.find((server) => server.id === id)?.name ?? String(id);

/** The server that was named is missing. What means more than one server goes on with those that are there. */
export function findServerMissing(
  { target }: Pick<PlanRequest, "target">,
  instances: readonly PlannedInstance[],
  view: PlannerView,
): Finding {
  const [first] = instances;
  if (target.server === undefined || first === undefined || !isMissing(view, first.serverId)) return null;
  const state = view.servers.find(({ id }) => id === first.serverId)?.state ?? "down";
  return new CastellanError(
    "SERVER_DOWN",
    `${first.server} is ${state}: nobody there can be told anything; see to it that its sentinel runs (castellan up on that server), then try again`,
    { retryable: true, details: { server: first.server, state } },
  );
}

/** Something needed lies outside the target and is not up. What runs already needs nothing. */
export function findMissingDependency(instances: readonly PlannedInstance[], view: PlannerView): Finding {
  const inside = new Set(instances.map(keyOf));
  const enabled = enabledByType(view);
  for (const type of typesOf(instances.filter((instance) => !isReady(instance)))) {
    for (const needed of dependenciesThrough(type, view.types, (other) => enabled.has(other))) {
      const isThere = (other: PlannedInstance): boolean => isReady(other) && !isMissing(view, other.serverId);
      const down = (enabled.get(needed) ?? []).filter((other) => !isThere(other) && !inside.has(keyOf(other)));
      const first = down[0];
      if (first === undefined) continue;
      const suspended = down.some(({ status }) => status === "SUSPENDED");
      return new CastellanError(
        "DEPENDENCY_NOT_RUNNING",
        `${type} needs all of ${needed}, but ${listOf(down.map((other) => `${instanceLabel(other)} is ${isMissing(view, other.serverId) ? "on a server that is missing" : other.status}`))}: ` +
          `${suspended ? "restart" : "start"} that first`,
        {
          retryable: down.some(({ status }) => status === "STARTING"),
          details: { type, dependency: needed, instances: down.slice(0, 50).map(instanceLabel) },
        },
      );
    }
  }
  return null;
}

/** Something outside the target is up and relies on what is to be stopped. What is down already, disabled or temporary, carries nobody. */
export function findDependents(instances: readonly PlannedInstance[], view: PlannerView): Finding {
  const inside = new Set(instances.map(keyOf));
  const stopping = typesOf(instances.filter((instance) => isUp(instance) && isFooting(instance)));
  if (stopping.size === 0) return null;
  const outside = view.instances.filter((other) => isUp(other) && !inside.has(keyOf(other)));
  const enabled = enabledByType(view);
  for (const type of typesOf(outside)) {
    const needs = dependenciesThrough(type, view.types, (other) => enabled.has(other));
    const lost = [...needs].filter((other) => stopping.has(other));
    if (lost.length === 0) continue;
    const users = outside.filter((other) => other.type === type);
    return new CastellanError(
      "HAS_DEPENDENTS",
      `${listOf(lost)} cannot be stopped: ${listOf(users.map(instanceLabel))} ${users.length === 1 ? "depends" : "depend"} on it; stop ${type} first`,
      { details: { types: lost, dependents: users.slice(0, 50).map(instanceLabel) } },
    );
  }
  return null;
}

/** PAUSE and UNPAUSE name a type that cannot. */
export function findNotPausable({ verb, target }: PlanRequest, view: PlannerView): Finding {
  if (target.type === undefined) return null;
  const type = view.types.get(target.type);
  if (type?.pausable ?? false) return null;
  const known = [...view.types].filter(([, { pausable }]) => pausable).map(([name]) => name);
  const others = known.length === 0 ? "no type says `pausable: true`" : `what can: ${listOf(known.sort())}`;
  return new CastellanError("NOT_PAUSABLE", `${target.type} cannot be ${verb}d; ${others}`, {
    details: { type: target.type, pausable: known },
  });
}

function enabledByType(view: PlannerView): Map<string, PlannedInstance[]> {
  const byType = new Map<string, PlannedInstance[]>();
  for (const instance of view.instances) {
    if (!isFooting(instance)) continue;
    const group = byType.get(instance.type);
    if (group === undefined) byType.set(instance.type, [instance]);
    else group.push(instance);
  }
  return byType;
}
