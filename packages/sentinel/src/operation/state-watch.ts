/** The node's state as the conductor sees it change: computed from the rows, recorded when it has settled. */
import type { Clock } from "@castellan/kernel";
import { NodeState, ProcessStatus } from "@castellan/protocol";
import type { Gateway } from "@castellan/store";
import { readMastership } from "../role/mastership.ts";
import { nodeStateOf, type Settling, settle } from "./node-state.ts";
import type { OpenOperation } from "./overlap.ts";
import type { ServerWatch } from "./server-watch.ts";

export interface StateChange {
  readonly from: NodeState;
  readonly to: NodeState;
}

export interface StateWatch {
  /** What is to be recorded now, if anything; `deposed`: another is master. */
  change(open: readonly OpenOperation[]): Promise<StateChange | "deposed" | null>;
  /** A change is on its way: look again soon. */
  readonly isSettling: boolean;
}

export interface StateWatchDeps {
  readonly gateway: Gateway;
  readonly epoch: number;
  readonly clock: Clock;
  readonly servers: ServerWatch;
}

export function createStateWatch({ gateway, epoch, clock, servers }: StateWatchDeps): StateWatch {
  let settling: Settling | null = null;
  return {
    get isSettling() {
      return settling !== null;
    },
    async change(open) {
      const mastership = await readMastership(gateway);
      if (mastership.epoch !== epoch) return "deposed";
      const rows = await gateway.find("process_config");
      const instances = rows.map((row) => ({ enabled: row.enabled, status: statusOf(row.last_known_status) }));
      const lostServers = [...servers.sights.values()].filter(({ isMissed }) => isMissed).length;
      const from = NodeState.catch("STOPPED").parse(mastership.state);
      const to = nodeStateOf({ instances, lostServers }, open, from);
      const settled = settle(from, to, settling, clock.bootMs());
      settling = settled.settling;
      return settled.record ? { from, to } : null;
    },
  };
}

const statusOf = (stored: string): ProcessStatus => ProcessStatus.catch("STOPPED").parse(stored);
