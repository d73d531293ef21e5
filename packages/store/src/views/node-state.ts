/**
 * Who is in the node and how it is, as the schema tells it, for those who show it. The definitions of its processes are
 * left out: checking them takes schemas (see `node-view.ts`).
 *
 * The tables are read one after another, so a view can mix two moments. Mastership and epoch come from one row and agree.
 */
import { CastellanError } from "@castellan/kernel";
import type { NodeState, ProcessStatus, ServerState } from "@castellan/protocol";
import { NODE_STATES, PROCESS_STATUSES, SERVER_STATES } from "@castellan/protocol/words";
import type { Gateway } from "../gateway.ts";

export interface ServerView {
  readonly id: number;
  readonly name: string;
  readonly comment: string | null;
  readonly checkErrorFiles: boolean;
  readonly state: ServerState;
  /** Down or isolated without having ended in order: it is missed. */
  readonly isLost: boolean;
  /** When its sentinel last confirmed itself in the schema; wall-clock time, for display. */
  readonly lastSeen: Date | null;
  /** Of its sentinel, and since when that one runs; null: it never had one. */
  readonly incarnation: number | null;
  readonly startedAt: Date | null;
  /** Release of that sentinel; null: it has none, or one of 0.1.0, which says nothing. */
  readonly program: string | null;
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
  /** Not running, and to be started when what it depends on is ready again. */
  readonly held: boolean;
  readonly since: Date | null;
  readonly restarts: number;
  readonly pid: number | null;
}

export interface NodeStateView {
  readonly node: string;
  readonly state: NodeState;
  readonly epoch: number;
  readonly masterId: number | null;
  readonly servers: readonly ServerView[];
  readonly instances: readonly InstanceView[];
  /** Rows that do not say what they should: they are read as stopped or down. */
  readonly problems: readonly string[];
}

/** Throws `NODE_MISSING` when the schema holds no node yet. */
export async function readNodeState(gateway: Gateway): Promise<NodeStateView> {
  const [[node], [state], cluster, serverStates, sentinels, programs, configs, running] = await Promise.all([
    gateway.find("nodes", { limit: 1 }),
    gateway.find("node_state", { limit: 1 }),
    gateway.find("node_cluster"),
    gateway.find("server_state"),
    gateway.find("sentinel"),
    gateway.find("sentinel_program"),
    gateway.find("process_config"),
    gateway.find("running_processes"),
  ]);
  if (node === undefined || state === undefined) {
    throw new CastellanError("NODE_MISSING", "the schema holds no node yet; start a sentinel of it once");
  }
  const problems: string[] = [];
  const stateOf = new Map(serverStates.map((row) => [row.logical_machine_id, row.state]));
  const sentinelOf = new Map(sentinels.map((row) => [row.logical_machine_id, row]));
  const programOf = new Map(
    programs.map((row) => [`${row.logical_machine_id} ${row.incarnation}`, row.program_version]),
  );
  const pidOf = new Map(running.map((row) => [instanceKey(row), row.process_id]));

  const servers = cluster.map((row): ServerView => {
    const word = stateOf.get(row.logical_machine_id) ?? "down";
    const sentinel = sentinelOf.get(row.logical_machine_id);
    const state = wordOf(SERVER_STATES, word, "down", `state of server ${row.physical_machine_name}`, problems);
    return {
      id: row.logical_machine_id,
      name: row.physical_machine_name,
      comment: row.machine_comment,
      checkErrorFiles: row.check_error_files,
      state,
      isLost: (state === "down" || state === "isolated") && sentinel !== undefined && sentinel.ended_at === null,
      lastSeen: sentinel?.last_seen_at ?? null,
      incarnation: sentinel?.incarnation ?? null,
      startedAt: sentinel?.started_at ?? null,
      program: programOf.get(`${row.logical_machine_id} ${sentinel?.incarnation}`) ?? null,
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
      status: wordOf(PROCESS_STATUSES, row.last_known_status, "STOPPED", `status of ${label}`, problems),
      comment: row.status_comment,
      held: row.held,
      since: row.status_since,
      restarts: row.restarts,
      pid: pidOf.get(instanceKey(row)) ?? null,
    };
  });

  return {
    node: node.node_name,
    state: wordOf(NODE_STATES, state.state, "STOPPED", "state of the node", problems),
    epoch: state.epoch,
    masterId: state.master_id,
    servers,
    problems,
    instances,
  };
}

/** A stored word, or the fallback and a problem when it is none of the known ones. */
function wordOf<W extends string>(
  words: readonly W[],
  stored: string,
  fallback: W,
  what: string,
  problems: string[],
): W {
  const word = words.find((known) => known === stored);
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
