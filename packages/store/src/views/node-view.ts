/**
 * The whole node as the schema tells it, for those who decide: its state, and how its processes are defined. Everything in
 * it is safe to act on because every write that follows is guarded.
 */
import type { ProcessType } from "@castellan/protocol";
import type { Gateway } from "../gateway.ts";
import type { Row } from "../schema/tables.ts";
import { readDefinition } from "./definition.ts";
import { type NodeStateView, readNodeState } from "./node-state.ts";

export interface NodeView extends NodeStateView {
  readonly types: ReadonlyMap<string, ProcessType>;
  /** Rows that do not say what they should; what they define is left out, or read as stopped or down. */
  readonly problems: readonly string[];
  readonly attributes: readonly Row<"process_attributes">[];
}

/** Throws `NODE_MISSING` when the schema holds no node yet. */
export async function readNodeView(gateway: Gateway): Promise<NodeView> {
  const [state, typeRows, attributes] = await Promise.all([
    readNodeState(gateway),
    gateway.find("process_type"),
    gateway.find("process_attributes"),
  ]);
  const problems = [...state.problems];
  return { ...state, types: readTypes(typeRows, problems), problems, attributes };
}

function readTypes(rows: readonly Row<"process_type">[], problems: string[]): Map<string, ProcessType> {
  const types = new Map<string, ProcessType>();
  for (const row of rows) {
    const read = readDefinition(row.definition);
    if ("type" in read) types.set(row.logical_process_name, read.type);
    else problems.push(`process type ${row.logical_process_name}: ${read.problem}`);
  }
  return types;
}
