/** The conductor's eye on the servers: reads what the schema says of them, and asks whose grants are over. */
import type { Clock } from "@castellan/kernel";
import { ServerState } from "@castellan/protocol";
import { type Gateway, readNodeView } from "@castellan/store";
import { type Closing, closeLost, lostServers, NO_CLOSINGS, restKey, UNTAKEN_MS } from "./lost.ts";
import type { OpenOperation } from "./overlap.ts";
import { lookAt, type SeenServer, type Sights } from "./sights.ts";

/**
 * Whether a server certainly runs nothing any more of what needs a grant: revoked, and its time is over, or it was fenced.
 * Asking may begin the revocation: it is asked of lost servers only.
 */
export type GrantsOver = (serverId: number) => Promise<boolean>;

export interface ServerWatch {
  /** As of the last look. */
  readonly sights: Sights;
  look(): Promise<void>;
  /** What becomes of steps of servers that are missing, by operation. */
  closings(open: readonly OpenOperation[]): Promise<ReadonlyMap<string, readonly Closing[]>>;
  /** Those of `servers` whose grants are over. */
  over(servers: Iterable<number>): Promise<ReadonlySet<number>>;
}

export interface ServerWatchDeps {
  readonly gateway: Gateway;
  readonly clock: Clock;
  readonly grantsOver: GrantsOver;
}

export function createServerWatch({ gateway, clock, grantsOver }: ServerWatchDeps): ServerWatch {
  let sights: Sights = new Map();
  let readySince: ReadonlyMap<string, number> = new Map();
  const over = async (servers: Iterable<number>): Promise<ReadonlySet<number>> => {
    const asked = await Promise.all([...servers].map(async (id) => ((await grantsOver(id)) ? [id] : [])));
    return new Set(asked.flat());
  };
  return {
    get sights() {
      return sights;
    },
    async look() {
      sights = lookAt(await readServers(gateway), sights, clock.bootMs());
    },
    async closings(open) {
      const nowMs = clock.bootMs();
      const ready = open.flatMap(({ steps }) => steps.flatMap(({ id, state }) => (state === "ready" ? [id] : [])));
      readySince = new Map(ready.map((id) => [id, readySince.get(id) ?? nowMs]));
      const lost = lostServers(open, sights, nowMs);
      const isUntaken = [...readySince.values()].some((sinceMs) => nowMs - sinceMs >= UNTAKEN_MS);
      if (lost.size === 0 && !isUntaken) return NO_CLOSINGS;
      const [{ types, instances }, grantsOver] = [await readNodeView(gateway), await over(lost)];
      const leftInOrder = ({ serverId }: { readonly serverId: number }): boolean =>
        sights.get(serverId)?.isMissed === false;
      const stopped = instances.filter((one) => one.status === "STOPPED" && leftInOrder(one));
      const atRest = new Set(stopped.map(restKey));
      const closed = open.map((operation) => {
        const view = { sights, types, atRest, grantsOver, readySince };
        return [operation.id, closeLost(operation, view, nowMs)] as const;
      });
      return new Map(closed.filter(([, closings]) => closings.length > 0));
    },
    over,
  };
}

async function readServers(gateway: Gateway): Promise<SeenServer[]> {
  const [mastership, members, states, sentinels] = await Promise.all([
    gateway.find("node_state", { limit: 1 }),
    gateway.find("node_cluster"),
    gateway.find("server_state"),
    gateway.find("sentinel"),
  ]);
  const masterId = mastership[0]?.master_id;
  const stateOf = new Map(states.map((row) => [row.logical_machine_id, row.state]));
  const sentinelOf = new Map(sentinels.map((row) => [row.logical_machine_id, row]));
  return members.map(({ logical_machine_id: id, physical_machine_name: name }) => {
    const recorded = ServerState.catch("down").parse(stateOf.get(id));
    const sentinel = sentinelOf.get(id);
    // The master says this itself.
    const state = id === masterId ? "up" : recorded;
    return {
      id,
      name,
      state,
      isMissed: (state === "down" || state === "isolated") && sentinel?.ended_at === null,
      lastSeen: sentinel?.last_seen_at ?? null,
      incarnation: sentinel?.incarnation ?? null,
    };
  });
}
