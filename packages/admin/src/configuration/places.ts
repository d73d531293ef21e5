/**
 * Where the instances of a copy are by now. The foreground is where its master is, wherever it stands in the copy; unless the
 * copy has one of the same number there, too. Pure.
 */
import type { ConfigurationCopy } from "@castellan/protocol";
import type { Row } from "@castellan/store";
import type { SpecView } from "../spec-view.ts";

/** The server on which an instance is that a copy has on this one. */
export type PlaceOf = (serverId: number, type: string, instance: number) => number;

const labelOf = (type: string, instance: number): string => `${type} ${instance}`;
const keyOf = (serverId: number, type: string, instance: number): string => `${serverId} ${labelOf(type, instance)}`;

/** `idOf`: of the servers by their names, with those that the copy adds. */
export function placesNow(
  { configs, view }: { readonly configs: readonly Row<"process_config">[]; readonly view: Pick<SpecView, "types"> },
  copy: ConfigurationCopy,
  idOf: ReadonlyMap<string, number>,
): PlaceOf {
  const types = new Map([...view.types, ...Object.entries(copy.types)]);
  const named = new Set(
    Object.entries(copy.servers).flatMap(([server, { processes }]) =>
      processes.map(({ type, instance }) => keyOf(idOf.get(server) ?? 0, type, instance)),
    ),
  );
  const there = new Set<string>();
  const elsewhere = new Map<string, number>();
  for (const row of configs) {
    const { logical_machine_id: id, logical_process_name: type, logical_process_instance: instance } = row;
    if (!row.persistent || types.get(type)?.layer !== "foreground") continue;
    there.add(keyOf(id, type, instance));
    if (!named.has(keyOf(id, type, instance))) elsewhere.set(labelOf(type, instance), id);
  }
  return (serverId, type, instance) =>
    there.has(keyOf(serverId, type, instance)) ? serverId : (elsewhere.get(labelOf(type, instance)) ?? serverId);
}
