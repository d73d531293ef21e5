/**
 * What a spec says about foreground types: how many, in the whole node. They live on the master and move with it, so the server
 * under which they stand in a file is where they were at first, and one that has moved is no difference. Pure.
 *
 * Of a type that the spec counts nowhere nothing is removed, unless the spec lists every server: only then it speaks of all.
 */
import type { NodeSpec } from "@castellan/protocol";
import type { InstanceChange, SpecView } from "./spec-view.ts";

/** A server that the spec lists, and how many of each type. */
export interface Listed {
  readonly server: { readonly id: number };
  readonly counts: Readonly<Record<string, number>>;
}

/** The types that are foreground once the spec is applied. */
export function foregroundAfter(view: Pick<SpecView, "types">, spec: Pick<NodeSpec, "types">): ReadonlySet<string> {
  const after = new Map([...view.types, ...Object.entries(spec.types)]);
  return new Set([...after].flatMap(([name, type]) => (type?.layer === "foreground" ? [name] : [])));
}

export function diffForeground(
  view: Omit<SpecView, "queues">,
  listed: readonly Listed[],
  foreground: ReadonlySet<string>,
): InstanceChange[] {
  const isWhole = view.servers.every(({ id }) => listed.some(({ server }) => server.id === id));
  return [...foreground].flatMap((type) => {
    const counting = listed.filter(({ counts }) => counts[type] !== undefined);
    if (counting.length === 0 && !isWhole) return [];
    const wanted = counting.reduce((sum, { counts }) => sum + (counts[type] ?? 0), 0);
    const all = view.instances.filter((instance) => instance.type === type);
    const kept = all.filter(({ persistent }) => persistent !== false).sort((a, b) => a.instance - b.instance);
    const home = kept[0]?.serverId ?? view.masterId ?? counting[0]?.server.id;
    const given = view.lastNumbers?.get(`${home}/${type}`) ?? 0;
    const next = Math.max(given, ...all.map(({ instance }) => instance)) + 1;
    const change = (serverId: number, instance: number, what: InstanceChange["change"]): InstanceChange[] => {
      const server = view.servers.find(({ id }) => id === serverId);
      return server === undefined ? [] : [{ server: server.name, serverId, type, instance, change: what }];
    };
    const missing = home === undefined ? 0 : Math.max(0, wanted - kept.length);
    return [
      ...kept.slice(wanted).flatMap(({ serverId, instance }) => change(serverId, instance, "removed")),
      ...Array.from({ length: missing }, (_, at) => change(home ?? 0, next + at, "added")).flat(),
    ];
  });
}
