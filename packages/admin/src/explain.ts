/**
 * Why a process is in the state it is in: everything the schema knows about it, gathered, and the reasons drawn from that.
 * Reads only SQL, so it answers with the bus down.
 */
import { CastellanError } from "@castellan/kernel";
import { type AlertKind, didYouMean, EVENT_CODE, type ProcessType, processLabel, Target } from "@castellan/protocol";
import { type InstanceView, type NodeView, type Row, readNodeView } from "@castellan/store";
import { type EffectiveAttribute, effectiveAttributes } from "./attributes.ts";
import type { AdminContext } from "./context.ts";
import { type DependencyState, dependencyStates, reasonsFor } from "./explain-reasons.ts";
import type { ProcessWords } from "./process-words.ts";

export type { DependencyState } from "./explain-reasons.ts";

export interface ProcessEventEntry {
  readonly at: string;
  readonly what: string;
  readonly pid: number | null;
  readonly comment: string | null;
}

export interface InstanceExplanation {
  readonly server: string;
  readonly instance: number;
  readonly status: InstanceView["status"];
  readonly enabled: boolean;
  readonly persistent: boolean;
  readonly pid: number | null;
  readonly since: string | null;
  readonly comment: string | null;
  /** Sentences, the weightiest first. */
  readonly reasons: readonly string[];
  /** How often it died by itself within the window of its restart policy. */
  readonly deaths: { readonly count: number; readonly withinSeconds: number; readonly most: number };
  readonly attributes: readonly EffectiveAttribute[];
  /** Newest first. */
  readonly events: readonly ProcessEventEntry[];
  /** Open ones about this process. */
  readonly workItems: readonly { readonly caseNumber: number; readonly state: string; readonly summary: string }[];
}

export interface Explanation {
  readonly type: string;
  /** Null: nobody defined it, or the definition cannot be read; `problem` says which. */
  readonly definition: ProcessType | null;
  readonly problem: string | null;
  readonly dependencies: readonly DependencyState[];
  readonly neededBy: readonly string[];
  readonly instances: readonly InstanceExplanation[];
}

/** Events that are shown of each instance. */
const EVENTS = 10;
const MOST_INSTANCES = 50;

/** Refused UNKNOWN_SERVER, UNKNOWN_TYPE, UNKNOWN_INSTANCE, NODE_MISSING. */
export async function explain(ctx: Pick<AdminContext, "gateway" | "clock">, words: ProcessWords): Promise<Explanation> {
  const query = { ...words, server: words.server?.toLowerCase() ?? null, type: words.type.toUpperCase() };
  const view = await readNodeView(ctx.gateway);
  const chosen = choose(view, query);
  const steps = await openSteps(ctx);
  const definition = view.types.get(query.type) ?? null;
  const instances: InstanceExplanation[] = [];
  for (const instance of chosen.slice(0, MOST_INSTANCES)) instances.push(await explainOne(ctx, view, instance, steps));
  const problem = view.problems.find((text) => text.startsWith(`process type ${query.type}:`)) ?? null;
  return {
    type: query.type,
    definition,
    problem: definition === null ? (problem ?? `process type ${query.type} is not defined`) : null,
    dependencies: dependencyStates(view, query.type),
    neededBy: [...view.types]
      .filter(([, { dependsOn }]) => dependsOn.some((edge) => edge.type === query.type))
      .map(([name]) => name)
      .sort(),
    instances,
  };
}

function choose(view: NodeView, { type, server, instance }: ProcessWords): readonly InstanceView[] {
  const serverNames = view.servers.map(({ name }) => name);
  if (server !== null && !serverNames.includes(server)) {
    const message = `there is no server "${server}"${didYouMean(server, serverNames)} (known: ${serverNames.join(", ")})`;
    throw new CastellanError("UNKNOWN_SERVER", message, { details: { name: server, known: serverNames } });
  }
  const types = [...new Set([...view.types.keys(), ...view.instances.map((one) => one.type)])].sort();
  if (!types.includes(type)) {
    const message = `there is no process type "${type}"${didYouMean(type, types)} (known: ${types.join(", ") || "none"})`;
    throw new CastellanError("UNKNOWN_TYPE", message, { details: { name: type, known: types } });
  }
  const ofType = view.instances.filter((one) => one.type === type && (server === null || one.server === server));
  const chosen = ofType.filter((one) => instance === null || one.instance === instance);
  if (chosen.length > 0 || instance === null) return chosen;
  const known = ofType.map((one) => `${one.server} ${processLabel(one)}`);
  const message = `there is no ${processLabel({ type, instance })}; defined: ${known.join(", ") || "none"}`;
  throw new CastellanError("UNKNOWN_INSTANCE", message, { details: { type, instance } });
}

type OpenStep = Row<"operation_step"> & { readonly operation: Row<"operation"> };

async function openSteps({ gateway }: Pick<AdminContext, "gateway">): Promise<readonly OpenStep[]> {
  const open = await gateway.find("operation", { where: { state: "open" } });
  if (open.length === 0) return [];
  const steps = await gateway.find("operation_step", { where: { operation_id: { in: open.map(({ id }) => id) } } });
  const byId = new Map(open.map((operation) => [operation.id, operation]));
  return steps.flatMap((step) => {
    const operation = byId.get(step.operation_id);
    return operation === undefined ? [] : [{ ...step, operation }];
  });
}

async function explainOne(
  ctx: Pick<AdminContext, "gateway" | "clock">,
  view: NodeView,
  instance: InstanceView,
  steps: readonly OpenStep[],
): Promise<InstanceExplanation> {
  const { serverId, server, type, instance: number } = instance;
  const key = { logical_machine_id: serverId, logical_process_name: type, logical_process_instance: number };
  const target = Target.parse({ server, type, instance: number });
  const [rows, items, attributes] = await Promise.all([
    ctx.gateway.find("process_event_log", {
      where: key,
      orderBy: [{ column: "timestamp", descending: true }],
      limit: 100,
    }),
    ctx.gateway.find("work_item", {
      where: {
        kind: "process" satisfies AlertKind,
        server_name: server,
        subject: processLabel(instance),
        open_cause: { not: null },
      },
    }),
    effectiveAttributes(ctx, target),
  ]);
  const numberOf = (name: string): number =>
    Number(attributes.find((attribute) => attribute.name === name)?.value ?? 0);
  const withinSeconds = numberOf("PROCESS_MIN_RESTART_PERIOD");
  const begin = ctx.clock.now().getTime() - withinSeconds * 1000;
  const deaths = rows.filter((row) => row.process_status === EVENT_CODE.died && row.timestamp.getTime() >= begin);
  const step = steps.find(
    (row) =>
      row.logical_machine_id === serverId &&
      row.logical_process_name === type &&
      row.logical_process_instance === number,
  );
  return {
    server,
    instance: number,
    status: instance.status,
    enabled: instance.enabled,
    persistent: instance.persistent,
    pid: instance.pid,
    since: instance.since?.toISOString() ?? null,
    comment: instance.comment,
    reasons: reasonsFor({
      view,
      instance,
      autoRestarts: numberOf("PROCESS_AUTO_RESTARTS") !== 0,
      step:
        step === undefined ? null : { state: step.state, verb: step.operation.verb, by: step.operation.requested_by },
    }),
    deaths: { count: deaths.length, withinSeconds, most: numberOf("PROCESS_MAX_RESTARTS") },
    attributes,
    events: rows.slice(0, EVENTS).map(eventEntry),
    workItems: items.map((row) => ({ caseNumber: row.case_number, state: row.state, summary: row.summary })),
  };
}

const EVENT_WORDS = new Map<number, string>(Object.entries(EVENT_CODE).map(([word, code]) => [code, word]));

function eventEntry(row: Row<"process_event_log">): ProcessEventEntry {
  return {
    at: row.timestamp.toISOString(),
    what: EVENT_WORDS.get(row.process_status) ?? String(row.process_status),
    pid: row.process_id > 0 ? row.process_id : null,
    comment: row.process_status_comment,
  };
}
