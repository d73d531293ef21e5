/** START_NEW: temporary instances of a type, defined and started in one commit, gone when they are stopped. Pure. */
import { CastellanError } from "@castellan/kernel";
import type { Target } from "@castellan/protocol";
import type { Row } from "@castellan/store";
import type { PlannedInstance, PlannerView, PlanStep } from "./plan.ts";
import {
  findCycleAmong,
  findForegroundElsewhere,
  findImpossibleTypes,
  findMissingDependency,
  findServerMissing,
} from "./plan-checks.ts";
import { layOut } from "./steps.ts";
import { selectServer, unknownType } from "./target.ts";

export interface StartNew {
  readonly serverId: number;
  readonly type: string;
  /** The new instance numbers, in order. */
  readonly instances: readonly number[];
  readonly steps: readonly PlanStep[];
}

/** More at once than this is taken for a slip of the keyboard. */
const MOST = 100;
const MAX_INSTANCE = 99_999;

/**
 * Numbers go on after the highest that was ever given: `numbers` are the rows of `process_number`. Throws what the request
 * is refused with.
 */
export function planStartNew(
  target: Target,
  options: Readonly<Record<string, unknown>>,
  view: PlannerView,
  numbers: readonly Row<"process_number">[],
): StartNew {
  const { type } = target;
  if (target.server === undefined || type === undefined || target.instance !== undefined) {
    throw new CastellanError(
      "BAD_TARGET",
      "START_NEW needs a server and a process type, and gives the numbers itself",
      {
        details: { target },
      },
    );
  }
  const server = selectServer(target.server, view);
  if (server instanceof CastellanError) throw server;
  const count = countOf(options);
  const definition = view.types.get(type);
  if (definition === undefined) throw unknownType(type, view.types.keys());
  if (!definition.dynamic) {
    throw new CastellanError("NOT_DYNAMIC", `${type} cannot be started alone, so there are no temporary ones of it`, {
      details: { type },
    });
  }
  const others = view.instances.filter((other) => other.type === type);
  if (definition.exclusive && others.length + count > 1) {
    throw new CastellanError("EXCLUSIVE", `${type} is exclusive: at most one in the node`, { details: { type } });
  }
  const given = numbers.find((row) => row.logical_machine_id === server.id && row.logical_process_name === type);
  const here = others.filter(({ serverId }) => serverId === server.id).map(({ instance }) => instance);
  const last = Math.max(0, given?.last_instance ?? 0, ...here);
  if (last + count > MAX_INSTANCE) {
    throw new CastellanError(
      "TOO_MANY",
      `${type} on ${server.name} has no instance numbers left (${MAX_INSTANCE} is the last)`,
    );
  }
  const instances = Array.from({ length: count }, (_, at) => last + 1 + at);
  const fresh = instances.map(
    (instance): PlannedInstance => ({
      serverId: server.id,
      server: server.name,
      type,
      instance,
      enabled: true,
      persistent: false,
      status: "STOPPED",
      held: false,
    }),
  );
  const grown: PlannerView = { ...view, instances: [...view.instances, ...fresh] };
  const refusal =
    findServerMissing({ target }, fresh, grown) ??
    findCycleAmong(fresh, grown) ??
    findImpossibleTypes(fresh, grown) ??
    findForegroundElsewhere(fresh, grown) ??
    findMissingDependency(fresh, grown);
  if (refusal !== null) throw refusal;
  return { serverId: server.id, type, instances, steps: layOut(fresh, grown, { direction: "up", desired: "RUNNING" }) };
}

function countOf({ count = 1 }: Readonly<Record<string, unknown>>): number {
  if (typeof count === "number" && Number.isInteger(count) && count >= 1 && count <= MOST) return count;
  throw new CastellanError("BAD_COUNT", `how many new ones? write a number from 1 to ${MOST}`, { details: { count } });
}
