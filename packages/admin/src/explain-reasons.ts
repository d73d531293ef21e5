/** From what is recorded to why: the sentences a person asks for. Pure. */
import { processLabel } from "@castellan/protocol";
import type { InstanceView, NodeView } from "@castellan/store";

export interface DependencyState {
  readonly type: string;
  readonly onRestart: string;
  /** Enabled instances that are ready, of all enabled ones. */
  readonly ready: number;
  readonly enabled: number;
  /** Those that are not, as `STORE 1 on hades is SUSPENDED`. */
  readonly missing: readonly string[];
}

export interface ReasonFacts {
  readonly view: Pick<NodeView, "state" | "masterId" | "servers" | "instances" | "types">;
  readonly instance: InstanceView;
  readonly autoRestarts: boolean;
  /** The step of an open operation that is about it. */
  readonly step: { readonly state: string; readonly verb: string; readonly by: string } | null;
}

const isReady = ({ status }: InstanceView): boolean => status === "RUNNING" || status === "PAUSED";

/** How each type is that `type` depends on directly. */
export function dependencyStates(
  { types, instances }: Pick<NodeView, "types" | "instances">,
  type: string,
): readonly DependencyState[] {
  return (types.get(type)?.dependsOn ?? []).map((edge) => {
    const enabled = instances.filter((other) => other.type === edge.type && other.enabled);
    const missing = enabled.filter((other) => !isReady(other));
    return {
      type: edge.type,
      onRestart: edge.onRestart,
      ready: enabled.length - missing.length,
      enabled: enabled.length,
      missing: missing.map((other) => `${processLabel(other)} on ${other.server} is ${other.status}`),
    };
  });
}

/** The weightiest first. There is always one. */
export function reasonsFor(facts: ReasonFacts): readonly string[] {
  const { view, instance, step } = facts;
  const server = view.servers.find(({ id }) => id === instance.serverId);
  return [
    ...(server !== undefined && server.state !== "up"
      ? [`server ${server.name} is ${server.state}: this is what was recorded last`]
      : []),
    ...(step === null ? [] : [stepReason(step)]),
    ...statusReasons(facts),
    ...(instance.enabled ? [] : ["it is disabled: only a command that names it starts it"]),
    ...(instance.persistent ? [] : ["it is temporary: when it is stopped, its definition goes too"]),
  ];
}

function stepReason({ state, verb, by }: NonNullable<ReasonFacts["step"]>): string {
  const word = verb === "shutdown" ? "stop" : verb;
  const now: Readonly<Record<string, string>> = {
    pending: "this process waits for others that come first",
    ready: "this process is next",
    claimed: "this process is being seen to",
  };
  return `a ${word} by ${by} is under way: ${now[state] ?? `this process is ${state}`}`;
}

function statusReasons(facts: ReasonFacts): readonly string[] {
  const { view, instance, autoRestarts } = facts;
  const { status, comment, server, type, instance: number } = instance;
  const said = comment === null || comment === "" ? "" : `: ${comment}`;
  const missing = dependencyStates(view, type).flatMap((dependency) => dependency.missing);
  const waits = missing.map((other) => `it needs that ${other.replace(/ is [A-Z ]+$/, "")} is ready, but ${other}`);
  switch (status) {
    case "RUNNING":
      return [`it is ready${said}`, ...missing.map((other) => `what it depends on is not all there: ${other}`)];
    case "PAUSED":
      return [`somebody has paused it${said}; \`castellan resume ${server} ${type} ${number}\` lets it go on`];
    case "STARTING":
      return [`it is not ready yet${said}`, `what it prints is in logs/${type}_${number}.log`, ...waits];
    case "SHUTTING DOWN":
      return [`it has been asked to end, and has until its grace is over${said}`];
    case "SUSPENDED":
      return [
        `it was given up${said}`,
        ...(autoRestarts ? [] : ["PROCESS_AUTO_RESTARTS is 0: what dies is not started again"]),
        `what it printed is in logs/${type}_${number}.log; \`castellan restart ${server} ${type} ${number}\` tries again`,
      ];
    case "STOPPED":
      return [stoppedReason(facts, said), ...waits];
  }
}

function stoppedReason({ view, instance, step }: ReasonFacts, said: string): string {
  const { server, type, instance: number, held, since } = instance;
  if (held) return `it is stopped until what it depends on is back${said}`;
  if (since === null) return `it has never been started; \`castellan start ${server} ${type} ${number}\` does`;
  if (view.state === "STOPPED" && step === null) return `the node is stopped${said}; \`castellan start\` starts it`;
  return `it was stopped${said}; \`castellan start ${server} ${type} ${number}\` starts it`;
}
