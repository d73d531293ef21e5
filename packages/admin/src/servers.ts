/**
 * The servers of a node: rows of `node_cluster`. One is added by hand or by its own first `castellan up`; one is taken away
 * with all that hangs on it, and only while it neither runs nor is master.
 */
import { CastellanError } from "@castellan/kernel";
import { didYouMean, parseName, ServerName } from "@castellan/protocol";
import { freedServerId, insert, lastServerId, type Row, remove, update, type Write } from "@castellan/store";
import { readNodeState } from "@castellan/store/state";
import { auditRow } from "./audit.ts";
import { changePatiently } from "./change-patiently.ts";
import type { AdminContext } from "./context.ts";

export interface ServerEntry {
  readonly id: number;
  readonly name: string;
  readonly role: "master" | "slave";
  readonly state: string;
  /** Release of its sentinel; null: it never had one, or one of 0.1.0. */
  readonly program: string | null;
  readonly checkErrorFiles: boolean;
  readonly comment: string | null;
  /** Instances that are defined there. */
  readonly processes: number;
}

export type ServerRef = Pick<ServerEntry, "id" | "name">;

/** A sentinel that has said within this time that it lives may live, whatever the master has had time to record; milliseconds. */
const FRESH_MS = 15_000;

export async function listServers(ctx: Pick<AdminContext, "gateway">): Promise<ServerEntry[]> {
  const { servers, instances, masterId } = await readNodeState(ctx.gateway);
  return [...servers]
    .sort((a, b) => a.id - b.id)
    .map(({ id, name, state, program, comment, checkErrorFiles }) => ({
      id,
      name,
      role: id === masterId ? "master" : "slave",
      state,
      program,
      checkErrorFiles,
      comment,
      processes: instances.filter(({ serverId }) => serverId === id).length,
    }));
}

/** The server of a name, in any case, or an id. Throws UNKNOWN_SERVER with what there is. */
export function serverNamed<S extends ServerRef>(servers: readonly S[], typed: string): S {
  const found =
    servers.find(({ name }) => name.toLowerCase() === typed.toLowerCase()) ??
    servers.find(({ id }) => String(id) === typed);
  if (found !== undefined) return found;
  const names = servers.map(({ name }) => name);
  throw new CastellanError(
    "UNKNOWN_SERVER",
    `there is no server "${typed}"${didYouMean(typed, names)} (known: ${names.join(", ") || "none"})`,
    { details: { name: typed, known: names } },
  );
}

/** Every server as rows in hand name it. */
export async function readServers(ctx: Pick<AdminContext, "gateway">): Promise<ServerRef[]> {
  const rows = await ctx.gateway.find("node_cluster", { orderBy: [{ column: "logical_machine_id" }] });
  return rows.map((row) => ({ id: row.logical_machine_id, name: row.physical_machine_name }));
}

/** With the next id, which no server has had before. Refused BAD_NAME, SERVER_EXISTS. */
export async function addServer(ctx: AdminContext, typed: string, comment: string | null = null): Promise<ServerRef> {
  const name = checkedName(typed);
  return await changePatiently("the servers", async () => {
    const servers = await readServers(ctx);
    refuseTaken(servers, name);
    const id = (await lastServerId(ctx.gateway)) + 1;
    await ctx.gateway.commit([
      ...newServerWrites(ctx, { id, name }, comment),
      auditRow(ctx, "server.add", { id, name }),
    ]);
    return { id, name };
  });
}

/** The rows of a server that has never run. */
export function newServerWrites(
  ctx: Pick<AdminContext, "clock">,
  { id, name }: ServerRef,
  comment: string | null,
  checkErrorFiles = true,
): Write[] {
  return [
    insert("node_cluster", {
      logical_machine_id: id,
      physical_machine_name: name,
      master: false,
      check_error_files: checkErrorFiles,
      machine_comment: comment,
    }),
    insert("server_state", { logical_machine_id: id, state: "down", epoch: 0, changed_at: ctx.clock.now() }),
    // The id may have been another's, which release 0.1.0 has taken out without these.
    remove("sentinel_program", { logical_machine_id: id }),
    remove("member_address", { logical_machine_id: id }),
  ];
}

/**
 * Points a server's row to another name: what is defined for it goes along. Refused BAD_NAME, UNKNOWN_SERVER, SERVER_EXISTS,
 * SERVER_UP while its sentinel runs under the old name, GRANT_HELD as with `removeServer`: the new host would run it twice.
 */
export async function moveServer(
  ctx: AdminContext,
  typed: string,
  newName: string,
): Promise<ServerRef & { readonly before: string }> {
  const name = checkedName(newName);
  return await changePatiently("the servers", async () => {
    const servers = await readServers(ctx);
    const { id, name: before } = serverNamed(servers, typed);
    if (name === before) return { id, name, before };
    refuseTaken(servers, name);
    const guards = await refuseInUse(ctx, { id, name: before }, "moved");
    await ctx.gateway.commit([
      ...guards,
      update(
        "node_cluster",
        { logical_machine_id: id, physical_machine_name: before },
        { physical_machine_name: name },
      ),
      auditRow(ctx, "server.move", { id, before, after: name }),
    ]);
    return { id, name, before };
  });
}

/**
 * Takes a server away with its instances, attributes and records; answers how many instances went. Refused UNKNOWN_SERVER,
 * SERVER_UP while its sentinel runs, SERVER_IS_MASTER, GRANT_HELD while a process that may run once only may run there.
 */
export async function removeServer(
  ctx: AdminContext,
  typed: string,
): Promise<ServerRef & { readonly processes: number }> {
  return await changePatiently("the servers", async () => {
    const { id, name } = serverNamed(await readServers(ctx), typed);
    const guards = await refuseInUse(ctx, { id, name }, "removed");
    const instances = await ctx.gateway.find("process_config", { where: { logical_machine_id: id } });
    await ctx.gateway.commit([
      ...guards,
      ...serverTables.map((table) => remove(table, { logical_machine_id: id })),
      ...freedServerId(id),
      auditRow(ctx, "server.remove", { id, name, processes: instances.map(nameOfInstance) }),
    ]);
    return { id, name, processes: instances.length };
  });
}

/** All that hangs on a server; itself last. */
const serverTables = [
  "running_processes",
  "process_attributes",
  "process_number",
  "server_grant",
  "process_config",
  "active_logins",
  "member_address",
  "sentinel_program",
  "sentinel",
  "server_state",
  "node_cluster",
] as const;

const nameOfInstance = (row: Row<"process_config">): string =>
  `${row.logical_process_name} ${row.logical_process_instance}`;

/** Answers what a commit begins with, so that the server is still unused in it. */
async function refuseInUse(ctx: AdminContext, { id, name }: ServerRef, what: "moved" | "removed"): Promise<Write[]> {
  const [[node], [state], [sentinel], grants] = await Promise.all([
    ctx.gateway.find("node_state", { where: { id: 1 } }),
    ctx.gateway.find("server_state", { where: { logical_machine_id: id } }),
    ctx.gateway.find("sentinel", { where: { logical_machine_id: id } }),
    ctx.gateway.find("server_grant", { where: { logical_machine_id: id, ended: null } }),
  ]);
  const isFresh = sentinel !== undefined && ctx.clock.now().getTime() - sentinel.last_seen_at.getTime() < FRESH_MS;
  // One that has left in order says so: nobody waits for it to be stale.
  const isUp = state?.state !== "down" || (isFresh && sentinel.ended_at === null);
  if (state !== undefined && isUp) {
    throw new CastellanError("SERVER_UP", `${name} cannot be ${what} while its sentinel runs: stop it there first`, {
      details: { server: name },
    });
  }
  if (what === "removed" && node?.master_id === id) {
    throw new CastellanError("SERVER_IS_MASTER", `${name} is master: make another server master first`, {
      details: { server: name },
    });
  }
  const [grant] = grants;
  if (grant !== undefined) {
    throw new CastellanError(
      "GRANT_HELD",
      `${name} may still run processes that may run once only: its grant is not over. If you have made certain that ` +
        `nothing runs there, say so: castellan fence ${name} --confirmed`,
      { details: { server: name } },
    );
  }
  const incarnation = sentinel?.incarnation;
  return [
    // Mastership as it was read, and no new worker since.
    update("node_state", { id: 1, epoch: node?.epoch ?? 0 }, { fence: { add: 1 } }),
    ...(sentinel === undefined || incarnation === undefined
      ? []
      : [update("sentinel", { logical_machine_id: id, incarnation }, { incarnation })]),
  ];
}

function checkedName(typed: string): string {
  const name = parseName(ServerName, typed.toLowerCase());
  if (name === "master" || name === "all" || /^\d+$/.test(name)) {
    throw new CastellanError("BAD_NAME", `"${name}" cannot be a server's name: it means something else in commands`, {
      details: { name },
    });
  }
  return name;
}

function refuseTaken(servers: readonly ServerRef[], name: string): void {
  const taken = servers.find((server) => server.name.toLowerCase() === name);
  if (taken === undefined) return;
  throw new CastellanError("SERVER_EXISTS", `there is a server ${name} already (id ${taken.id})`, {
    details: { server: name, id: taken.id },
  });
}
