/** What is wrong with a spec for a given node: everything at once, before anything is changed. Pure. */
import {
  ADMIN_QUEUE,
  didYouMean,
  findCycle,
  type NodeSpec,
  type ProcessType,
  type WorkQueue,
} from "@castellan/protocol";

import { type Difference, instancesAfter, MASTER_ALIAS, serverOf } from "./spec-diff.ts";
import type { SpecView } from "./spec-view.ts";

export interface SpecProblem {
  readonly code:
    | "UNKNOWN_SERVER"
    | "SERVER_TWICE"
    | "UNKNOWN_TYPE"
    | "CYCLE"
    | "FOREGROUND_NOT_ON_MASTER"
    | "EXCLUSIVE_TWICE"
    | "TOO_MANY"
    | "UNKNOWN_QUEUE"
    | "ESCALATION_CYCLE";
  readonly message: string;
}

/** The highest instance number the schema and the subjects admit. */
const MAX_INSTANCE = 99_999;

/** Problems that the spec brings or touches; what was wrong before with things it does not speak of is not its fault. */
export function checkSpec(view: SpecView, spec: NodeSpec, difference: Difference): SpecProblem[] {
  const after = new Map(view.types);
  for (const [name, definition] of Object.entries(spec.types)) after.set(name, definition);
  return [
    ...checkServers(view, spec),
    ...checkNames(spec, after),
    ...checkCycle(after),
    ...checkInstances(view, touchedTypes(spec), difference, after),
    ...checkQueues(view, spec),
  ];
}

function checkServers(view: SpecView, spec: NodeSpec): SpecProblem[] {
  const known = view.servers.map((server) => server.name);
  const seen = new Map<number, string>();
  return Object.keys(spec.servers).flatMap((key): SpecProblem[] => {
    const server = serverOf(view, key);
    if (!server) {
      const hint =
        key.toLowerCase() === MASTER_ALIAS ? "; no server is master now, so name one" : didYouMean(key, known);
      return [{ code: "UNKNOWN_SERVER", message: `this node has no server ${key} (it has ${list(known)})${hint}` }];
    }
    const other = seen.get(server.id);
    seen.set(server.id, key);
    return other === undefined
      ? []
      : [{ code: "SERVER_TWICE", message: `${other} and ${key} are the same server: list it once` }];
  });
}

function checkNames(spec: NodeSpec, after: SpecView["types"]): SpecProblem[] {
  const unknown = (name: string, by: string): SpecProblem[] =>
    after.has(name)
      ? []
      : [
          {
            code: "UNKNOWN_TYPE",
            message: `${by} names type ${name}, which is not defined${didYouMean(name, after.keys())}`,
          },
        ];
  return [
    ...Object.entries(spec.types).flatMap(([name, { dependsOn }]) =>
      dependsOn.flatMap((edge) => unknown(edge.type, `types.${name}.dependsOn`)),
    ),
    ...Object.entries(spec.servers).flatMap(([server, counts]) =>
      Object.keys(counts).flatMap((name) => unknown(name, `servers.${server}`)),
    ),
  ];
}

function checkCycle(after: SpecView["types"]): SpecProblem[] {
  const readable = [...after].filter((entry): entry is [string, ProcessType] => entry[1] !== null);
  const cycle = findCycle(new Map(readable));
  return cycle ? [{ code: "CYCLE", message: `the types depend on each other in a circle: ${cycle.join(" -> ")}` }] : [];
}

/** Where items escalate to is a queue, and never one they have come from. */
function checkQueues(view: SpecView, spec: NodeSpec): SpecProblem[] {
  const after = new Map<string, WorkQueue | null>([...view.queues, ...Object.entries(spec.queues)]);
  const next = (name: string): string | null => after.get(name)?.escalateTo ?? null;
  return Object.keys(spec.queues).flatMap((name): SpecProblem[] => {
    const to = next(name);
    if (to !== null && to !== ADMIN_QUEUE && !after.has(to)) {
      const message = `queues.${name}.escalateTo names queue ${to}, which is not defined${didYouMean(to, after.keys())}`;
      return [{ code: "UNKNOWN_QUEUE", message }];
    }
    const way = [name];
    for (let at = to; at !== null; at = next(at)) {
      if (at === name) {
        const message = `the queues escalate to each other in a circle: ${[...way, name].join(" -> ")}`;
        return [{ code: "ESCALATION_CYCLE", message }];
      }
      if (way.includes(at)) break; // a circle further on is told of the queues that make it
      way.push(at);
    }
    return [];
  });
}

const touchedTypes = (spec: NodeSpec): Set<string> =>
  new Set([...Object.keys(spec.types), ...Object.values(spec.servers).flatMap((counts) => Object.keys(counts))]);

/** Whether the instances of some types may be where they will be. `after`: the types there will be. */
export function checkInstances(
  view: SpecView,
  touched: Iterable<string>,
  difference: Pick<Difference, "instances">,
  after: SpecView["types"] = view.types,
): SpecProblem[] {
  const instances = instancesAfter(view, difference);
  return [...touched].flatMap((name): SpecProblem[] => {
    const type = after.get(name);
    const mine = instances.filter((instance) => instance.type === name);
    const problems: SpecProblem[] = [];
    if (type?.exclusive && mine.length > 1) {
      const message = `${name} is exclusive: at most one in the node, and this makes ${mine.length}`;
      problems.push({ code: "EXCLUSIVE_TWICE", message });
    }
    // One that is away moves to the master by itself, unless its number is taken there.
    const isNew = (one: { serverId: number; instance: number }): boolean =>
      difference.instances.some(
        (change) =>
          change.change === "added" &&
          change.type === name &&
          change.serverId === one.serverId &&
          change.instance === one.instance,
      );
    const isTaken = ({ instance }: { instance: number }): boolean =>
      mine.filter((other) => other.instance === instance).length > 1;
    const elsewhere = mine.filter(
      (one) => view.masterId !== null && one.serverId !== view.masterId && (isNew(one) || isTaken(one)),
    );
    if (type?.layer === "foreground" && elsewhere.length > 0) {
      const names = new Set(elsewhere.map((instance) => nameOf(view, instance.serverId)));
      const master = view.masterId === null ? "" : ` (${nameOf(view, view.masterId)})`;
      const message = `${name} is a foreground type: it runs on the master${master}, not on ${list([...names])}`;
      problems.push({ code: "FOREGROUND_NOT_ON_MASTER", message });
    }
    if (mine.some((instance) => instance.instance > MAX_INSTANCE)) {
      problems.push({ code: "TOO_MANY", message: `${name}: there are no instance numbers above ${MAX_INSTANCE}` });
    }
    return problems;
  });
}

const nameOf = (view: SpecView, id: number): string =>
  view.servers.find((server) => server.id === id)?.name ?? `server ${id}`;

const list = (names: readonly string[]): string => (names.length === 0 ? "none" : names.join(", "));
