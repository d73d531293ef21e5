/**
 * Who is to be master when the master's server is taken down: a server that stays. Two that are taken down at once would otherwise hand
 * over to each other.
 */
import { type AdminContext, goingDown } from "@castellan/admin";
import { Target } from "@castellan/protocol";
import { readNodeState } from "@castellan/store/state";

/** How a server looks to the others. */
export interface Candidate {
  readonly name: string;
  readonly state: string;
  /** Its sentinel has ended in order: the node's record of its state follows in a moment. */
  readonly hasEnded: boolean;
  readonly startedAt: Date | null;
}

export interface Leaving {
  readonly all: boolean;
  readonly servers: ReadonlySet<string>;
}

/** The one that has been chosen before while it stays, then those that are surely well; null: nobody stays. Pure. */
export function chooseHeir(
  servers: readonly Omit<Candidate, "startedAt">[],
  { from, chosen, leaving }: { readonly from: string; readonly chosen: string | null; readonly leaving: Leaving },
): string | null {
  if (leaving.all) return null;
  const staying = servers.filter(({ name, hasEnded }) => name !== from && !hasEnded && !leaving.servers.has(name));
  const well = [
    ...staying.filter(({ state }) => state === "up"),
    ...staying.filter(({ state }) => state === "suspect"),
  ];
  return (well.find(({ name }) => name === chosen) ?? well[0])?.name ?? null;
}

/** Whom operations under way shut down as a whole. Pure; what cannot be read says nothing. */
export function leavingOf(targets: readonly string[]): Leaving {
  const whole = targets.flatMap((text) => {
    const target = readTarget(text);
    return target === null || target.type !== undefined ? [] : [target];
  });
  return {
    all: whole.some(({ server }) => server === undefined),
    servers: new Set(whole.flatMap(({ server }) => server ?? [])),
  };
}

export interface Succession {
  readonly heir: string | null;
  /** Others that are up are being taken down: what depends on the last server to go ends with them. */
  readonly othersLeave: readonly string[];
}

/** The heir of a server as the node is now. `chosen`: who was it a moment ago. */
export async function findHeir(ctx: AdminContext, from: string, chosen: string | null = null): Promise<Succession> {
  const servers = await candidates(ctx);
  const [open, going] = await Promise.all([
    ctx.gateway.find("operation", { where: { state: "open", verb: "shutdown" } }),
    goingDown(ctx, servers),
  ]);
  const { all, servers: shutDown } = leavingOf(open.map(({ target }) => target));
  const leaving = { all, servers: new Set([...shutDown, ...going]) };
  const othersLeave = servers.filter(
    ({ name, state, hasEnded }) => name !== from && state === "up" && !hasEnded && leaving.servers.has(name),
  );
  return {
    heir: chooseHeir(servers, { from, chosen, leaving }),
    othersLeave: othersLeave.map(({ name }) => name),
  };
}

export async function candidates(ctx: Pick<AdminContext, "gateway">): Promise<readonly Candidate[]> {
  const [{ servers }, sentinels] = await Promise.all([readNodeState(ctx.gateway), ctx.gateway.find("sentinel")]);
  const ended = new Set(sentinels.flatMap(({ logical_machine_id: id, ended_at }) => (ended_at === null ? [] : [id])));
  return servers.map(({ id, name, state, startedAt }) => ({ name, state, startedAt, hasEnded: ended.has(id) }));
}

function readTarget(text: string): Target | null {
  try {
    return Target.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
