/**
 * Servers that come to a node and leave it, as an administrator installs and removes them. Who may do what in which order is
 * decided here; the files of a home and its processes are the command line's.
 */
import { CastellanError } from "@castellan/kernel";
import { type ParameterDifference, replaceParameters, update } from "@castellan/store";
import { readNodeState } from "@castellan/store/state";
import { auditRow } from "./audit.ts";
import { changePatiently } from "./change-patiently.ts";
import type { AdminContext } from "./context.ts";
import { knownSentinels, refuseFreshSentinels } from "./schema/living-sentinels.ts";
import { addServer, readServers, type ServerRef, serverNamed } from "./servers.ts";

/** A sentinel that has said within this time that it lives may live, milliseconds. */
const FRESH_MS = 15_000;

/**
 * Adds a server by its name; one that was added by hand, or whose host was replaced, gets its row back. Refused BAD_NAME,
 * SERVER_EXISTS while one of this name runs.
 */
export async function joinServer(ctx: AdminContext, name: string): Promise<ServerRef> {
  const known = (await readServers(ctx)).find((server) => server.name.toLowerCase() === name.toLowerCase());
  if (known === undefined) return await addServer(ctx, name);
  const [sentinel] = await ctx.gateway.find("sentinel", { where: { logical_machine_id: known.id } });
  const isFresh = sentinel !== undefined && ctx.clock.now().getTime() - sentinel.last_seen_at.getTime() < FRESH_MS;
  if (isFresh && sentinel.ended_at === null) {
    throw new CastellanError(
      "SERVER_EXISTS",
      `a server ${known.name} runs in node ${ctx.node} already: choose another name with --server`,
      { details: { server: known.name, id: known.id } },
    );
  }
  await ctx.gateway.commit([auditRow(ctx, "server.join", { id: known.id, name: known.name })]);
  return known;
}

/** The servers of a node as one of them sees them that is to be removed. */
export interface Departure {
  readonly server: ServerRef;
  readonly isMaster: boolean;
  readonly others: readonly string[];
  /** Of those, which the master sees up. */
  readonly othersUp: readonly string[];
  /** It keeps a part of the node's bus, which others have to take over. */
  readonly holdsBus: boolean;
}

/** Throws UNKNOWN_SERVER when it is no member. */
export async function departureOf(ctx: Pick<AdminContext, "gateway">, name: string): Promise<Departure> {
  const [{ servers, masterId }, addresses] = await Promise.all([
    readNodeState(ctx.gateway),
    ctx.gateway.find("member_address"),
  ]);
  const server = serverNamed(servers, name);
  const others = servers.filter(({ id }) => id !== server.id);
  return {
    server: { id: server.id, name: server.name },
    isMaster: server.id === masterId,
    others: others.map((other) => other.name),
    othersUp: others.filter(({ state }) => state === "up" || state === "suspect").map((other) => other.name),
    holdsBus: addresses.some((row) => row.logical_machine_id === server.id && row.cluster_address !== null),
  };
}

/** Slaves leave while another server is there; the last one is uninstalled. Throws LAST_SERVER, SERVER_IS_MASTER, NO_MASTER. Pure. */
export function refuseToLeave({ server, isMaster, others, othersUp, holdsBus }: Departure): void {
  const [heir] = othersUp.length > 0 ? othersUp : others;
  if (heir === undefined) {
    throw new CastellanError(
      "LAST_SERVER",
      `${server.name} is the only server of its node: there is nothing to leave; castellan uninstall removes it`,
      { details: { server: server.name } },
    );
  }
  if (isMaster) {
    throw new CastellanError(
      "SERVER_IS_MASTER",
      `${server.name} is master: slaves leave, the master stays. Make another server master first: castellan master set ${heir}`,
      { details: { server: server.name, others } },
    );
  }
  if (holdsBus && othersUp.length === 0) {
    throw new CastellanError(
      "NO_MASTER",
      `no other server is up that takes over what the bus holds on ${server.name}: bring ${others.join(" or ")} up, then leave`,
      { details: { server: server.name, others } },
    );
  }
}

/** The order is slaves, master, schema. Throws SERVERS_REMAIN. Pure. */
export function refuseToUninstall({ server, isMaster, others }: Departure, withSchema: boolean): void {
  if (others.length === 0) return;
  if (withSchema) throw schemaInUse(others);
  if (isMaster) {
    throw new CastellanError(
      "SERVERS_REMAIN",
      `${server.name} is master and goes after the slaves: run castellan uninstall on ${others.join(", ")} first`,
      { details: { server: server.name, others } },
    );
  }
}

/**
 * Whoever is to drop the schema may be no member any more: then it is all the more of others. `gone`: were uninstalled here, but may have been
 * installed elsewhere since. Throws SERVERS_REMAIN.
 */
export async function refuseSchemaInUse(
  ctx: Pick<AdminContext, "gateway" | "clock">,
  leaving: readonly string[],
  gone: readonly string[] = [],
): Promise<void> {
  const [servers, sentinels] = await Promise.all([readServers(ctx), knownSentinels(ctx.gateway, ctx.clock.now())]);
  const fresh = sentinels.filter(({ isFresh }) => isFresh).map(({ server }) => server);
  const names = [...leaving, ...gone.filter((name) => !isOneOf(fresh, name))];
  const others = servers.map(({ name }) => name).filter((name) => !isOneOf(names, name));
  if (others.length > 0) throw schemaInUse(others);
}

const isOneOf = (names: readonly string[], name: string): boolean =>
  names.some((one) => one.toLowerCase() === name.toLowerCase());

const schemaInUse = (others: readonly string[]): CastellanError =>
  new CastellanError(
    "SERVERS_REMAIN",
    `the schema goes last: ${others.join(", ")} ${others.length === 1 ? "is" : "are"} still of this node; run castellan uninstall there first`,
    { details: { others } },
  );

/**
 * Says that a server is to leave: the master moves what its part of the bus holds to the others. False: it holds no part, and
 * may go at once.
 */
export async function announceLeaving(ctx: AdminContext, { id, name }: ServerRef): Promise<boolean> {
  return await changePatiently("the servers", async () => {
    const [address] = await ctx.gateway.find("member_address", { where: { logical_machine_id: id } });
    if (address === undefined || address.cluster_address === null) return false;
    await ctx.gateway.commit([
      update("member_address", { logical_machine_id: id }, { leaving: true }),
      auditRow(ctx, "server.leave", { id, name }),
    ]);
    return true;
  });
}

/**
 * Records, for a node that is down, what its servers have in common from now on: one that comes up otherwise is refused. Throws
 * SENTINELS_RUN while one may go by what is recorded.
 */
export async function recordInCommon(ctx: AdminContext, differences: readonly ParameterDifference[]): Promise<void> {
  refuseFreshSentinels(await knownSentinels(ctx.gateway, ctx.clock.now()), [], "nothing is recorded");
  const changes = Object.fromEntries(differences.map(({ name, own }) => [name, own]));
  await ctx.gateway.commit([...replaceParameters(differences), auditRow(ctx, "node.parameters", changes)]);
}

/** The authority that the node goes by from now on, where one of the `forgotten` is on record. */
export async function recordTrustRoot(ctx: AdminContext, kept: string, forgotten: readonly string[]): Promise<void> {
  const [recorded] = await ctx.gateway.find("node_parameter", { where: { name: "trust_root" } });
  if (recorded === undefined || !forgotten.includes(recorded.value)) return;
  await ctx.gateway.commit([
    update("node_parameter", { name: "trust_root", value: recorded.value }, { value: kept }),
    auditRow(ctx, "cert.rotate", { before: recorded.value, after: kept }),
  ]);
}

/** Whether the bus goes on without it. */
export async function hasLeftBus(ctx: Pick<AdminContext, "gateway">, { id }: ServerRef): Promise<boolean> {
  return (await ctx.gateway.find("member_address", { where: { logical_machine_id: id } })).length === 0;
}
