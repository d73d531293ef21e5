/**
 * What has to change so that a node is as a copy of a configuration says. Pure. Servers that the copy does not name keep what
 * they have; of those it names it is the whole truth: their processes, their switches, and every attribute. Foreground that has
 * gone to another server with its master is no difference, as with a spec.
 */
import {
  ATTRIBUTE_NAMES,
  attributeKind,
  type ConfigurationCopy,
  checkAttribute,
  didYouMean,
} from "@castellan/protocol";
import type { Row } from "@castellan/store";
import { CHECK_ERROR_FILES } from "../attributes.ts";
import { checkInstances, type SpecProblem } from "../spec-check.ts";
import { diffDefinitions, type QueueChange, type TypeChange } from "../spec-diff.ts";
import type { InstanceChange, SpecView } from "../spec-view.ts";
import { type PlaceOf, placesNow } from "./places.ts";

/** What a node has now. */
export interface ConfigurationView {
  readonly view: SpecView;
  readonly servers: readonly Row<"node_cluster">[];
  readonly configs: readonly Row<"process_config">[];
  readonly attributes: readonly Row<"process_attributes">[];
  readonly numbers: readonly Row<"process_number">[];
  /** The highest id that is or was a server's. */
  readonly lastServerId: number;
}

export interface ServerChange {
  readonly name: string;
  readonly id: number;
  readonly change: "added" | "changed";
  readonly comment: string | null;
  readonly checkErrorFiles: boolean;
}

export interface ProcessChange extends Omit<InstanceChange, "change"> {
  readonly change: "added" | "removed" | "enabled" | "disabled";
}

export interface AttributeRowChange {
  readonly serverId: number;
  readonly server: string | null;
  readonly type: string;
  readonly instance: number;
  readonly name: string;
  readonly before: string | null;
  readonly after: string | null;
}

export interface ConfigurationDifference {
  readonly servers: readonly ServerChange[];
  readonly types: readonly TypeChange[];
  readonly queues: readonly QueueChange[];
  readonly processes: readonly ProcessChange[];
  readonly attributes: readonly AttributeRowChange[];
}

export const sizeOf = (difference: ConfigurationDifference): number =>
  Object.values(difference).reduce((sum: number, changes: readonly unknown[]) => sum + changes.length, 0);

export function diffConfiguration(now: ConfigurationView, copy: ConfigurationCopy): ConfigurationDifference {
  const servers = diffServers(now, copy);
  const idOf = idsAfter(now, servers);
  const placeOf = placesNow(now, copy, idOf);
  return {
    servers,
    types: diffDefinitions(now.view.types, copy.types),
    queues: diffDefinitions(now.view.queues, copy.queues),
    processes: diffProcesses(now, copy, idOf, placeOf),
    attributes: diffAttributes(now, copy, idOf, placeOf),
  };
}

function diffServers({ servers, lastServerId }: ConfigurationView, copy: ConfigurationCopy): ServerChange[] {
  let last = lastServerId;
  return Object.entries(copy.servers).flatMap(([name, { comment, checkErrorFiles }]): ServerChange[] => {
    const row = servers.find((one) => one.physical_machine_name === name);
    if (row === undefined) {
      last += 1;
      return [{ name, id: last, change: "added", comment, checkErrorFiles }];
    }
    if (row.machine_comment === comment && row.check_error_files === checkErrorFiles) return [];
    return [{ name, id: row.logical_machine_id, change: "changed", comment, checkErrorFiles }];
  });
}

function idsAfter({ servers }: ConfigurationView, changes: readonly ServerChange[]): ReadonlyMap<string, number> {
  return new Map([
    ...servers.map((row): [string, number] => [row.physical_machine_name, row.logical_machine_id]),
    ...changes.map(({ name, id }): [string, number] => [name, id]),
  ]);
}

const labelOf = (type: string, instance: number): string => `${type} ${instance}`;

function diffProcesses(
  { configs }: ConfigurationView,
  copy: ConfigurationCopy,
  idOf: ReadonlyMap<string, number>,
  placeOf: PlaceOf,
): ProcessChange[] {
  const placed = Object.entries(copy.servers).flatMap(([server, { processes }]) =>
    processes.map((one) => ({ ...one, serverId: placeOf(idOf.get(server) ?? 0, one.type, one.instance) })),
  );
  return Object.keys(copy.servers).flatMap((server) => {
    const serverId = idOf.get(server) ?? 0;
    const processes = placed.filter((one) => one.serverId === serverId);
    const here = configs.filter((row) => row.logical_machine_id === serverId && row.persistent);
    const known = new Map(here.map((row) => [labelOf(row.logical_process_name, row.logical_process_instance), row]));
    const wanted = new Set(processes.map(({ type, instance }) => labelOf(type, instance)));
    const removed = here
      .filter((row) => !wanted.has(labelOf(row.logical_process_name, row.logical_process_instance)))
      .map((row): ProcessChange => {
        const { logical_process_name: type, logical_process_instance: instance } = row;
        return { server, serverId, type, instance, change: "removed" };
      });
    const changed = processes.flatMap(({ type, instance, enabled }): ProcessChange[] => {
      const row = known.get(labelOf(type, instance));
      const ref = { server, serverId, type, instance };
      const toggle: ProcessChange[] = enabled ? [] : [{ ...ref, change: "disabled" }];
      if (row === undefined) return [{ ...ref, change: "added" }, ...toggle];
      return row.enabled === enabled ? [] : [{ ...ref, change: enabled ? "enabled" : "disabled" }];
    });
    return [...removed, ...changed];
  });
}

const placeKey = (id: number, type: string, instance: number, name: string): string =>
  `${id}/${type}/${instance}/${name}`;

function diffAttributes(
  { attributes, servers }: ConfigurationView,
  copy: ConfigurationCopy,
  idOf: ReadonlyMap<string, number>,
  placeOf: PlaceOf,
): AttributeRowChange[] {
  const nameOf = new Map([...idOf].map(([name, id]) => [id, name]));
  const named = new Set([0, ...Object.keys(copy.servers).map((name) => idOf.get(name) ?? -1)]);
  const isKnown = (id: number): boolean => servers.some((row) => row.logical_machine_id === id);
  const before = new Map(
    attributes.map((row) => [
      placeKey(row.logical_machine_id, row.logical_process_name, row.logical_process_instance, row.attribute_name),
      row,
    ]),
  );
  const kept = new Set<string>();
  const set = copy.attributes.flatMap((one): AttributeRowChange[] => {
    const id = one.server === null ? 0 : (idOf.get(one.server) ?? -1);
    const serverId = id > 0 && one.type !== null ? placeOf(id, one.type, one.instance ?? 0) : id;
    const place = {
      serverId,
      server: nameOf.get(serverId) ?? one.server,
      type: one.type ?? "ALL",
      instance: one.instance ?? 0,
    };
    const name = one.name.toUpperCase();
    const key = placeKey(serverId, place.type, place.instance, name);
    kept.add(key);
    const value = before.get(key)?.attribute_value ?? null;
    return value === one.value ? [] : [{ ...place, name, before: value, after: one.value }];
  });
  const removed = [...before]
    .filter(([key, row]) => !kept.has(key) && named.has(row.logical_machine_id))
    .filter(([, row]) => row.logical_machine_id === 0 || isKnown(row.logical_machine_id))
    .map(([, row]): AttributeRowChange => {
      const serverId = row.logical_machine_id;
      const place = { serverId, server: nameOf.get(serverId) ?? null };
      const { logical_process_name: type, logical_process_instance: instance, attribute_value: value } = row;
      return { ...place, type, instance, name: row.attribute_name, before: value, after: null };
    });
  return [...removed, ...set];
}

/** Everything that is wrong with a copy for this node, before anything is changed. */
export function checkConfiguration(
  now: ConfigurationView,
  copy: ConfigurationCopy,
  difference: ConfigurationDifference,
): (SpecProblem | { readonly code: string; readonly message: string })[] {
  const added = difference.servers.filter(({ change }) => change === "added");
  const view: SpecView = { ...now.view, servers: [...now.view.servers, ...added] };
  const instances = difference.processes.flatMap(({ change, ...ref }): InstanceChange[] =>
    change === "added" || change === "removed" ? [{ ...ref, change }] : [],
  );
  const types = new Map([...view.types, ...Object.entries(copy.types)]);
  const touched = new Set([...Object.keys(copy.types), ...instances.map(({ type }) => type)]);
  return [
    ...twice(copy),
    ...[...touched]
      .filter((type) => !types.has(type))
      .map((type) => ({
        code: "UNKNOWN_TYPE",
        message: `servers name type ${type}, which is not defined${didYouMean(type, types.keys())}`,
      })),
    ...checkInstances(view, touched, { instances }, types),
    ...difference.attributes.flatMap((one) => checkAttributeChange(one)),
  ];
}

function repeated(labels: readonly string[], where: string): { code: string; message: string }[] {
  const more = labels.find((label, at) => labels.indexOf(label) !== at);
  return more === undefined ? [] : [{ code: "BAD_VALUE", message: `${where} ${more} twice` }];
}

function twice({ servers, attributes }: ConfigurationCopy): { code: string; message: string }[] {
  const places = attributes.map(
    ({ name, server, type, instance }) =>
      `${name.toUpperCase()} for ${server ?? "all"} ${type ?? "ALL"} ${instance ?? 0}`,
  );
  return [
    ...Object.entries(servers).flatMap(([server, { processes }]) =>
      repeated(
        processes.map(({ type, instance }) => `${type} ${instance}`),
        `${server} has`,
      ),
    ),
    ...repeated(places, "attributes set"),
  ];
}

function checkAttributeChange({
  name,
  after,
  serverId,
  server,
}: AttributeRowChange): { code: string; message: string }[] {
  if (after === null) return [];
  if (serverId === -1) {
    return [{ code: "UNKNOWN_SERVER", message: `attribute ${name} is for server ${server ?? ""}, which there is not` }];
  }
  const kind = attributeKind(name);
  if (kind === null || kind.name === CHECK_ERROR_FILES) {
    const message = `there is no attribute ${name}${didYouMean(name, ATTRIBUTE_NAMES)}`;
    return [{ code: "UNKNOWN_ATTRIBUTE", message }];
  }
  const checked = checkAttribute(kind, after);
  return "problem" in checked ? [{ code: "BAD_VALUE", message: checked.problem }] : [];
}
