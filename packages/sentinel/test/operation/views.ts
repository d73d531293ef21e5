/** Nodes to plan for, made short. */
import type { ProcessStatus, ServerState } from "@castellan/protocol";
import { ProcessType } from "@castellan/protocol";
import type { PlannedInstance, PlannerView } from "../../src/operation/plan.ts";

/** What a test knows to be there. */
export function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("expected a value, found none");
  return value;
}

type Edge = string | { type: string; onRestart: "none" | "restart" | "stop" | "wait" };
export type Traits = {
  dependsOn?: readonly Edge[];
  layer?: "foreground" | "background";
  dynamic?: boolean;
  pausable?: boolean;
};

export function typeOf({ dependsOn = [], ...traits }: Traits = {}): ProcessType {
  return ProcessType.parse({ command: ["true"], dependsOn: [...dependsOn], ...traits });
}

export interface NodeSketch {
  types: Record<string, Traits>;
  /** server -> type -> number of instances */
  servers: Record<string, Record<string, number>>;
  /** `TYPE n@server` or `TYPE` -> status; the rest is STOPPED. */
  status?: Record<string, ProcessStatus>;
  disabled?: readonly string[];
  /** The rest is up. */
  serverState?: Record<string, ServerState>;
}

/** Servers are numbered from 1 in the order written; the first is the master. */
export function nodeView(sketch: NodeSketch): PlannerView {
  const servers = Object.keys(sketch.servers).map((name, index) => ({
    id: index + 1,
    name,
    state: sketch.serverState?.[name] ?? "up",
  }));
  const instances: PlannedInstance[] = [];
  for (const { id, name } of servers) {
    for (const [type, count] of Object.entries(sketch.servers[name] ?? {})) {
      for (let instance = 1; instance <= count; instance += 1) {
        const label = `${type} ${instance}@${name}`;
        instances.push({
          serverId: id,
          server: name,
          type,
          instance,
          enabled: !(sketch.disabled ?? []).includes(label),
          persistent: true,
          held: false,
          status: sketch.status?.[label] ?? sketch.status?.[type] ?? "STOPPED",
        });
      }
    }
  }
  return {
    masterId: 1,
    servers,
    types: new Map(Object.entries(sketch.types).map(([name, traits]) => [name, typeOf(traits)])),
    problems: [],
    instances,
  };
}

const foreground = { layer: "foreground", dynamic: false } as const;

/** The documented catalogue with its dependencies and default counts. */
export const CATALOGUE: NodeSketch = {
  types: {
    RPC_TCP_LI: foreground,
    RPC_UDP_LI: foreground,
    WQS: { ...foreground, dependsOn: ["RPC_TCP_LI", "RPC_UDP_LI"] },
    WIS: { ...foreground, dependsOn: ["WQS"] },
    WISMBD: { ...foreground, dependsOn: ["WIS"], pausable: true },
    BG: { dependsOn: ["WISMBD"], pausable: true },
    BGPREDICT: { dependsOn: ["WISMBD"], pausable: true },
    DBQD: { dependsOn: ["WISMBD"], pausable: true },
    DIRECTOR: { dependsOn: ["WISMBD"] },
    DLMGR: { dependsOn: ["WISMBD"], pausable: true },
    IAPJMS: { dependsOn: ["WISMBD"] },
    RPCBG: { dependsOn: ["WISMBD"], dynamic: false },
    SPO: { dependsOn: ["WISMBD"] },
  },
  servers: {
    hades: {
      RPC_TCP_LI: 1,
      RPC_UDP_LI: 1,
      WQS: 1,
      WIS: 2,
      WISMBD: 2,
      BG: 2,
      BGPREDICT: 1,
      DIRECTOR: 1,
      DLMGR: 1,
      RPCBG: 1,
      SPO: 1,
    },
    zeus: { BG: 2, IAPJMS: 1 },
  },
};
