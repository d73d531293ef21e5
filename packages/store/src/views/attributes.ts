/**
 * Settings that must be equal everywhere live in `process_attributes`, at a place: machine 0, process ALL and instance 0
 * mean every one. The most specific definition wins: instance, then type, then server, then node.
 */
import { type AttributeName, attributeKind } from "@castellan/protocol";
import type { Row } from "../schema/tables.ts";

/** Where a setting is asked for. 0 / "ALL" / 0 asks for what the whole node has. */
export interface AttributePlace {
  readonly machineId: number;
  readonly process: string;
  readonly instance: number;
}

/** The definition that holds at a place, or undefined: it has its default. Names compare without case. */
export function attributeRow(
  attributes: readonly Row<"process_attributes">[],
  place: AttributePlace,
  name: string,
): Row<"process_attributes"> | undefined {
  const wanted = name.toUpperCase();
  let best: { readonly rank: number; readonly row: Row<"process_attributes"> } | undefined;
  for (const row of attributes) {
    if (row.attribute_name.toUpperCase() !== wanted) continue;
    const rank = rankOf(row, place);
    if (rank !== null && (best === undefined || rank > best.rank)) best = { rank, row };
  }
  return best?.row;
}

/** The stored value that holds at a place, or undefined. */
export function attributeOf(
  attributes: readonly Row<"process_attributes">[],
  place: AttributePlace,
  name: string,
): string | undefined {
  return attributeRow(attributes, place, name)?.attribute_value;
}

/** A stored number, or the default when none is stored or what is stored is no number. */
export function numberAttribute(
  attributes: readonly Row<"process_attributes">[],
  place: AttributePlace,
  name: AttributeName,
): number;
export function numberAttribute(
  attributes: readonly Row<"process_attributes">[],
  place: AttributePlace,
  name: string,
  fallback: number,
): number;
export function numberAttribute(
  attributes: readonly Row<"process_attributes">[],
  place: AttributePlace,
  name: string,
  fallback = defaultOf(name),
): number {
  const stored = attributeOf(attributes, place, name)?.trim();
  const value = stored === undefined || stored === "" ? fallback : Number(stored);
  return Number.isFinite(value) ? value : fallback;
}

const defaultOf = (name: string): number => attributeKind(name)?.fallback ?? Number.NaN;

/** How specific a definition is, or null when it does not hold at the place. */
function rankOf(row: Row<"process_attributes">, place: AttributePlace): number | null {
  const process = row.logical_process_name.toUpperCase();
  const server = row.logical_machine_id !== 0;
  const type = process !== "ALL";
  const instance = row.logical_process_instance !== 0;
  if (server && row.logical_machine_id !== place.machineId) return null;
  if (type && process !== place.process.toUpperCase()) return null;
  if (instance && row.logical_process_instance !== place.instance) return null;
  return Number(instance) * 4 + Number(type) * 2 + Number(server);
}
