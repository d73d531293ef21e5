/** A plan: which instance is to be brought to which state, and what must be done before. */
import type { DesiredState, OperationVerb, ProcessStatus, ProcessType, ServerState, Target } from "@castellan/protocol";
import { z } from "zod";

/**
 * Steps that must be done first: all seqs from the first to the last, both included. The instances of a type have
 * consecutive seqs, so "all 300 WIS" is one range and not 300 numbers in each of 300 dependents.
 */
export type SeqRange = readonly [first: number, last: number];

export interface PlanStep {
  /** From 1; a step depends only on smaller ones. */
  readonly seq: number;
  readonly serverId: number;
  readonly server: string;
  readonly type: string;
  readonly instance: number;
  readonly desired: DesiredState;
  readonly dependsOn: readonly SeqRange[];
  /** Written down and not to be begun, for this reason. */
  readonly notBegun?: string;
}

/** What is planned from a target alone; the others have planners of their own. */
export type PlanVerb = Exclude<OperationVerb, "start_new" | "follow" | "move" | "boot" | "catch_up">;

export interface PlanRequest {
  readonly verb: PlanVerb;
  readonly target: Target;
}

/** What the planner needs to know of an instance; the store's `InstanceView` is one. */
export interface PlannedInstance {
  readonly serverId: number;
  readonly server: string;
  readonly type: string;
  readonly instance: number;
  readonly enabled: boolean;
  /** False: made by START_NEW, gone when it is stopped. */
  readonly persistent: boolean;
  readonly status: ProcessStatus;
  /** STARTING, but not before the master says so. */
  readonly held: boolean;
}

/** What the planner needs to know of a node; the store's `NodeView` is one. */
export interface PlannerView {
  readonly masterId: number | null;
  readonly servers: readonly { readonly id: number; readonly name: string; readonly state: ServerState }[];
  readonly types: ReadonlyMap<string, ProcessType>;
  /** Definitions that could not be read, as sentences. */
  readonly problems: readonly string[];
  readonly instances: readonly PlannedInstance[];
}

/** `WIS 3 on hades`, as results and refusals name an instance. */
export function instanceLabel({
  type,
  instance,
  server,
}: Pick<PlannedInstance, "type" | "instance" | "server">): string {
  return `${type} ${instance} on ${server}`;
}

/** At most `limit` of the names, and how many more there are. */
export function listOf(names: readonly string[], limit = 8): string {
  if (names.length === 0) return "none";
  const rest = names.length - limit;
  return rest > 0 ? `${names.slice(0, limit).join(", ")} and ${rest} more` : names.join(", ");
}

const Ranges = z.array(z.tuple([z.int(), z.int()]));

/** `operation_step.depends_on`: the JSON of the ranges. */
export function encodeRanges(ranges: readonly SeqRange[]): string {
  return JSON.stringify(ranges);
}

/** Throws when the text is not what `encodeRanges` writes. */
export function decodeRanges(text: string): readonly SeqRange[] {
  return Ranges.parse(JSON.parse(text));
}
