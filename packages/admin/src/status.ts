/** How a node is, from what is recorded about it. Works with the bus down: then it says that it may be out of date. */
import type { ProcessReport, ServerReport, StatusReport } from "@castellan/protocol";
import type { InstanceView, ServerView } from "@castellan/store";
import { type NodeStateView, readNodeState } from "@castellan/store/state";
import type { AdminContext } from "./context.ts";

/** A master's sentinel writes at least this often, milliseconds; what is older may be out of date. */
export const STALE_AFTER_MS = 15_000;

/** The sentinel of a server on the host that the command runs on, as that server sees it. */
export interface SentinelHere {
  readonly server: string;
  readonly workerPid: number | null;
  readonly watcherPid: number | null;
}

/** Reads the shared schema; asks the bus only whether it is there. */
export async function status(
  ctx: Pick<AdminContext, "gateway" | "bus" | "clock">,
  here: readonly SentinelHere[] = [],
): Promise<StatusReport> {
  const [view, busIsUp] = await Promise.all([readNodeState(ctx.gateway), ctx.bus?.reachable() ?? false]);
  return statusReport(view, { busIsUp, now: ctx.clock.now(), here });
}

/** The same for a view in hand. Pure. */
export function statusReport(
  view: NodeStateView,
  seen: { readonly busIsUp: boolean; readonly now: Date; readonly here?: readonly SentinelHere[] },
): StatusReport {
  const master = view.servers.find((server) => server.id === view.masterId);
  const masterSeenAt = master?.lastSeen?.getTime() ?? Number.NEGATIVE_INFINITY;
  return {
    node: view.node,
    state: view.state,
    epoch: view.epoch,
    master: master?.name ?? null,
    stale: !seen.busIsUp || seen.now.getTime() - masterSeenAt > STALE_AFTER_MS,
    servers: [...view.servers].sort((a, b) => a.id - b.id).map((server) => serverReport(view, server, seen.here ?? [])),
  };
}

function serverReport(view: NodeStateView, server: ServerView, here: readonly SentinelHere[]): ServerReport {
  return {
    id: server.id,
    name: server.name,
    role: server.id === view.masterId ? "master" : "slave",
    state: server.state,
    lastSeen: server.lastSeen?.toISOString() ?? null,
    stale: server.isLost || server.state === "suspect",
    sentinel: sentinelReport(
      server,
      here.find(({ server: name }) => name === server.name),
    ),
    processes: view.instances
      .filter((instance) => instance.serverId === server.id)
      .sort((a, b) => (a.type === b.type ? a.instance - b.instance : a.type < b.type ? -1 : 1))
      .map(processReport),
  };
}

function sentinelReport(
  { incarnation, startedAt, program }: ServerView,
  here?: SentinelHere,
): ServerReport["sentinel"] {
  if (incarnation === null || startedAt === null) return null;
  const { workerPid = null, watcherPid = null } = here ?? {};
  return { incarnation, program, since: startedAt.toISOString(), workerPid, watcherPid };
}

function processReport(instance: InstanceView): ProcessReport {
  return {
    type: instance.type,
    instance: instance.instance,
    status: instance.status,
    enabled: instance.enabled,
    persistent: instance.persistent,
    pid: instance.pid,
    since: instance.since?.toISOString() ?? null,
    restarts: instance.restarts,
    comment: instance.comment,
  };
}
