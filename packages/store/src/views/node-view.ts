/**
 * The whole node as the schema tells it, for those who decide and those who show.
 *
 * The tables are read one after another, so a view can mix two moments. Mastership and epoch come from one row and agree;
 * everything else is safe to act on because every write that follows is guarded.
 */
import { CastellanError } from "@castellan/kernel";
import { NodeState, ProcessStatus, type ProcessType, ServerState } from "@castellan/protocol";
import type { Gateway } from "../gateway.ts";
import type { Row } from "../schema/tables.ts";
import { readDefinition } from "./definition.ts";

export interface ServerView {
  readonly id: number;
  readonly name: string;
  readonly comment: string | null;
  readonly checkErrorFiles: boolean;
  readonly state: ServerState;
  /** When its sentinel last confirmed itself in the schema; wall-clock time, for display. */
  readonly lastSeen: Date | null;
  readonly incarnation: number | null;
}

export interface InstanceView {
  readonly serverId: number;
  readonly server: string;
  readonly type: string;
  readonly instance: number;
  readonly enabled: boolean;
  readonly persistent: boolean;
  readonly status: ProcessStatus;
  readonly comment: string | null;
  readonly since: Date | null;
  readonly restarts: number;
  readonly pid: number | null;
}

export interface NodeView {
  readonly node: string;
  readonly state: NodeState;
  readonly epoch: number;
  readonly masterId: number | null;
  readonly servers: readonly ServerView[];
  readonly types: ReadonlyMap<string, ProcessType>;
  /** Rows that do not say what they should; what they define is left out, or read as stopped or down. */
  readonly problems: readonly string[];
  readonly instances: readonly InstanceView[];
  readonly attributes: readonly Row<"process_attributes">[];
}

/** Throws `NODE_MISSING` when the schema holds no node yet. */
export async function readNodeView(gateway: Gateway): Promise<NodeView> {
  const [[node], [state], cluster, serverStates, sentinels, typeRows, configs, running, attributes] = await Promise.all(
    [
      gateway.find("nodes", { limit: 1 }),
      gateway.find("node_state", { limit: 1 }),
      gateway.find("node_cluster"),
      gateway.find("server_state"),
      gateway.find("sentinel"),
      gateway.find("process_type"),
      gateway.find("process_config"),
      gateway.find("running_processes"),
      gateway.find("process_attributes"),
    ],
  );
  if (node === undefined || state === undefined) {
    throw new CastellanError("NODE_MISSING", "the schema holds no node yet; start a sentinel of it once");
  }
  const problems: string[] = [];
  const stateOf = new Map(serverStates.map((row) => [row.logical_machine_id, row.state]));
  const sentinelOf = new Map(sentinels.map((row) => [row.logical_machine_id, row]));
  const pidOf = new Map(running.map((row) => [instanceKey(row), row.process_id]));

  const servers = cluster.map((row): ServerView => {
    const word = stateOf.get(row.logical_machine_id) ?? "down";
    const sentinel = sentinelOf.get(row.logical_machine_id);
    return {
      id: row.logical_machine_id,
      name: row.physical_machine_name,
      comment: row.machine_comment,
      checkErrorFiles: row.check_error_files,
      state: wordOf(ServerState, word, "down", `state of server ${row.physical_machine_name}`, problems),
      lastSeen: sentinel?.last_seen_at ?? null,
      incarnation: sentinel?.incarnation ?? null,
    };
  });
  const nameOf = new Map(servers.map((server) => [server.id, server.name]));

  const instances = configs.map((row): InstanceView => {
    const label = `${row.logical_process_name} ${row.logical_process_instance} on server ${row.logical_machine_id}`;
    const server = nameOf.get(row.logical_machine_id);
    if (server === undefined) problems.push(`${label}: no such server`);
    return {
      serverId: row.logical_machine_id,
      server: server ?? `#${row.logical_machine_id}`,
      type: row.logical_process_name,
      instance: row.logical_process_instance,
      enabled: row.enabled,
      persistent: row.persistent,
      status: wordOf(ProcessStatus, row.last_known_status, "STOPPED", `status of ${label}`, problems),
      comment: row.status_comment,
      since: row.status_since,
      restarts: row.restarts,
      pid: pidOf.get(instanceKey(row)) ?? null,
    };
  });

  return {
    node: node.node_name,
    state: wordOf(NodeState, state.state, "STOPPED", "state of the node", problems),
    epoch: state.epoch,
    masterId: state.master_id,
    servers,
    types: readTypes(typeRows, problems),
    problems,
    instances,
    attributes,
  };
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

/** A stored word, or the fallback and a problem when it is none of the known ones. */
function wordOf<W extends string>(
  words: { readonly options: readonly W[] },
  stored: string,
  fallback: W,
  what: string,
  problems: string[],
): W {
  const word = words.options.find((known) => known === stored);
  if (word === undefined) problems.push(`${what}: "${stored}" is not known`);
  return word ?? fallback;
}

function instanceKey(row: {
  readonly logical_machine_id: number;
  readonly logical_process_name: string;
  readonly logical_process_instance: number;
}): string {
  return `${row.logical_machine_id} ${row.logical_process_name} ${row.logical_process_instance}`;
}
