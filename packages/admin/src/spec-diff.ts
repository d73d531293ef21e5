/**
 * What has to change so that a node is as a spec says. Pure. A spec speaks only of what it names: types that it does not
 * list stay as they are, servers that it does not list keep their instances; a server that it lists has exactly the
 * instances listed. Foreground types are counted in the whole node (`spec-foreground.ts`).
 */
import type { NodeSpec, ProcessType, WorkQueue } from "@castellan/protocol";
import { diffForeground, foregroundAfter } from "./spec-foreground.ts";
import type { InstanceChange, SpecView } from "./spec-view.ts";

interface DefinitionChange<D> {
  readonly name: string;
  readonly change: "added" | "changed";
  /** The keys that differ; empty when it is new. */
  readonly fields: readonly string[];
  readonly definition: D;
}
export type TypeChange = DefinitionChange<ProcessType>;
export type QueueChange = DefinitionChange<WorkQueue>;

export interface Difference {
  readonly types: readonly TypeChange[];
  readonly instances: readonly InstanceChange[];
  readonly queues: readonly QueueChange[];
}

/** The name by which a spec means whichever server is master now; in a node of one server that server. */
export const MASTER_ALIAS = "master";

/** The server a spec's key means, or null when the node has none of this name. */
export function serverOf(view: SpecView, key: string): SpecView["servers"][number] | null {
  const named = view.servers.find((server) => server.name === key.toLowerCase());
  if (named || key.toLowerCase() !== MASTER_ALIAS) return named ?? null;
  const only = view.servers.length === 1 ? view.servers[0] : undefined;
  return view.servers.find((server) => server.id === view.masterId) ?? only ?? null;
}

/** The difference, in the order of the spec; keys that mean no server are left out (`checkSpec` refuses them). */
export function diffSpec(view: SpecView, spec: NodeSpec): Difference {
  const types = diffDefinitions(view.types, spec.types);
  const queues = diffDefinitions(view.queues, spec.queues);
  const foreground = foregroundAfter(view, spec);
  const listed = Object.entries(spec.servers).flatMap(([key, counts]) => {
    const server = serverOf(view, key);
    return server ? [{ server, counts }] : [];
  });
  const placed = listed.flatMap(({ server, counts }) => diffServer(view, server, counts, foreground));
  const instances = [...placed, ...diffForeground(view, listed, foreground)];
  return { types, instances, queues };
}

export function isEmpty(difference: Difference): boolean {
  return difference.types.length === 0 && difference.instances.length === 0 && difference.queues.length === 0;
}

/** The instances there will be. */
export function instancesAfter(view: SpecView, { instances }: Pick<Difference, "instances">): SpecView["instances"] {
  const removed = new Set(instances.filter(({ change }) => change === "removed").map(keyOf));
  return [
    ...view.instances.filter((instance) => !removed.has(keyOf(instance))),
    ...instances.filter(({ change }) => change === "added"),
  ];
}

const keyOf = (of: { serverId: number; type: string; instance: number }): string =>
  `${of.serverId}/${of.type}/${of.instance}`;

export function diffDefinitions<D extends object>(
  known: ReadonlyMap<string, D | null>,
  wanted: Readonly<Record<string, D>>,
): DefinitionChange<D>[] {
  return Object.entries(wanted).flatMap(([name, definition]): DefinitionChange<D>[] => {
    const current = known.get(name);
    if (current === undefined) return [{ name, change: "added", fields: [], definition }];
    if (current === null) return [{ name, change: "changed", fields: ["definition"], definition }];
    if (canonical(current) === canonical(definition)) return [];
    const before = fieldsOf(current);
    const after = fieldsOf(definition);
    const fields = [...after.keys()].filter((field) => after.get(field) !== before.get(field));
    return [{ name, change: "changed", fields, definition }];
  });
}

/** Each key with its value as text, comparable. */
function fieldsOf(definition: object): ReadonlyMap<string, string> {
  return new Map(Object.entries(definition).map(([field, value]) => [field, canonical(value)]));
}

/** The same text for equal values, whatever order their keys were written in. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

function diffServer(
  view: SpecView,
  server: SpecView["servers"][number],
  counts: Readonly<Record<string, number>>,
  foreground: ReadonlySet<string>,
): InstanceChange[] {
  const here = view.instances.filter((instance) => instance.serverId === server.id);
  const names = [...new Set([...Object.keys(counts), ...here.map((instance) => instance.type)])];
  return names
    .filter((name) => !foreground.has(name))
    .flatMap((type) => {
      const ofType = here.filter((instance) => instance.type === type);
      const numbers = ofType.filter(({ persistent }) => persistent !== false).map((instance) => instance.instance);
      const wanted = counts[type] ?? 0;
      // The lowest numbers stay; new ones follow the highest that was ever given: none is handed out again.
      const removed = numbers.sort((a, b) => a - b).slice(wanted);
      const given = view.lastNumbers?.get(`${server.id}/${type}`) ?? 0;
      const next = Math.max(given, ...ofType.map((instance) => instance.instance)) + 1;
      const added = Array.from({ length: Math.max(0, wanted - numbers.length) }, (_, at) => next + at);
      const change = (instance: number, what: InstanceChange["change"]): InstanceChange => ({
        server: server.name,
        serverId: server.id,
        type,
        instance,
        change: what,
      });
      return [...removed.map((number) => change(number, "removed")), ...added.map((number) => change(number, "added"))];
    });
}
