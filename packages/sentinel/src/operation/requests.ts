/**
 * What becomes of a request: considered against the rows as they are now, and journaled in one commit. Part of the conductor.
 *
 * Q1 One request id is one operation, also when its commit was in doubt or met itself.
 * Q2 A refused request leaves no row.
 */
import { CastellanError, type Clock } from "@castellan/kernel";
import type { CommandRequest, CommandVerb, NodeState } from "@castellan/protocol";
import {
  type Gateway,
  type NodeView,
  readNodeView,
  StoreAmbiguous,
  StoreDuplicate,
  type Write,
} from "@castellan/store";
import { fence } from "../role/mastership.ts";
import { bootSteps, keyOf } from "./catch-up.ts";
import { createWrites, readOpenOperations, startNewWrites, supersedeWrites } from "./journal.ts";
import { stateDuring } from "./node-state.ts";
import { anticipate, describe, findOverlap, type OpenOperation } from "./overlap.ts";
import type { PlannerView, PlanStep } from "./plan.ts";
import { isMissing } from "./plan-checks.ts";
import { plan } from "./planner.ts";
import { planStartNew } from "./start-new.ts";
import { selectServer } from "./target.ts";

export interface RequestsDeps {
  readonly gateway: Gateway;
  readonly epoch: number;
  readonly clock: Clock;
  readonly newId: () => string;
  /** Rejects with CHANGING when a guard was missed, and says so itself when that was the fence. */
  readonly commit: (writes: readonly Write[]) => Promise<void>;
  /** The rows say that another is master. Answers what the request is refused with. */
  readonly depose: () => CastellanError;
}

type Wish = Pick<CommandRequest, "target" | "options">;

/** A request that may be carried out. */
export interface Accepted {
  readonly steps: readonly PlanStep[];
  /** Why there is nothing to do. */
  readonly note: string | null;
  /** What has to be on record with its operation. */
  readonly writes: readonly Write[];
}

export interface Considered {
  readonly view: NodeView;
  readonly open: readonly OpenOperation[];
  readonly planned: Accepted;
  readonly superseded: readonly OpenOperation[];
}

export interface Submitted {
  readonly id: string;
  /** Of an operation journaled just now; empty when it was known already. */
  readonly steps: readonly PlanStep[];
  readonly stateChange: { readonly from: NodeState; readonly to: NodeState } | null;
}

export interface Requests {
  /** What a request would do now. Throws the refusal. */
  consider(verb: CommandVerb, wish: Wish): Promise<Considered>;
  /** Throws the refusal, or what the gateway throws. */
  submit(verb: CommandVerb, command: CommandRequest): Promise<Submitted>;
  /** What a server that has been started anew is to run. Refused SERVER_DOWN while it is not seen yet. */
  boot(server: string, incarnation: number): Promise<Submitted>;
}

/** How often others may change between look and commit what a request is about. */
const ATTEMPTS = 3;

export function createRequests({ gateway, epoch, clock, newId, commit, depose }: RequestsDeps): Requests {
  const find = async (requestId: string): Promise<Submitted | null> => {
    const [row] = await gateway.find("operation", { where: { request_id: requestId } });
    return row === undefined ? null : { id: row.id, steps: [], stateChange: null };
  };

  const planFor = async (verb: CommandVerb, { target, options }: Wish, view: PlannerView): Promise<Accepted> => {
    if (verb === "start_new") {
      const numbers = await gateway.find("process_number");
      const fresh = planStartNew(target, options, view, numbers);
      return { steps: fresh.steps, note: null, writes: startNewWrites(fresh, numbers) };
    }
    const planned = plan({ verb, target }, view);
    if (planned.kind === "refused") throw planned.refusal;
    return { ...planned, writes: [] };
  };

  const consider = async (verb: CommandVerb, wish: Wish): Promise<Considered> => {
    const [view, open] = [await readNodeView(gateway), await readOpenOperations(gateway)];
    if (view.epoch !== epoch) throw depose();
    const planned = await planFor(verb, wish, anticipate(view, open));
    const overlap = findOverlap(verb, planned.steps, open);
    if (overlap.kind === "busy") throw busy(overlap.operation);
    return { view, open, planned, superseded: overlap.superseded };
  };

  const journal = async (verb: CommandVerb, command: CommandRequest): Promise<Submitted> => {
    const known = await find(command.requestId);
    if (known !== null) return known;
    const { view, open, planned, superseded } = await consider(verb, command);
    const id = newId();
    const now = clock.now();
    const { requestId, target, options, by } = command;
    const { steps, note } = planned;
    const title = `${describe({ verb, target })} (${id})`;
    const goesOn = open.filter((operation) => !superseded.includes(operation));
    const state = (steps.length > 0 ? stateDuring([...goesOn, { verb, target }]) : null) ?? view.state;
    await commit([
      fence(epoch, state === view.state ? {} : { state, changed_at: now }),
      ...superseded.flatMap((operation) => supersedeWrites(operation, title, now)),
      ...planned.writes,
      ...createWrites({ id, requestId, verb, target, options, by, epoch, now, note, steps }, newId),
    ]);
    return { id, steps, stateChange: state === view.state ? null : { from: view.state, to: state } };
  };

  const journalPatiently = async (verb: CommandVerb, command: CommandRequest): Promise<Submitted> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await journal(verb, command);
      } catch (thrown) {
        const isChanging = thrown instanceof CastellanError && thrown.code === "CHANGING";
        if (!isChanging || attempt === ATTEMPTS) throw thrown;
      }
    }
  };

  const journalBoot = async (server: string, requestId: string): Promise<Submitted> => {
    const known = await find(requestId);
    if (known !== null) return known;
    const [view, open] = [await readNodeView(gateway), await readOpenOperations(gateway)];
    if (view.epoch !== epoch) throw depose();
    const booted = selectServer(server, view);
    if (booted instanceof CastellanError) throw booted;
    if (isMissing(view, booted.id)) {
      throw new CastellanError("SERVER_DOWN", `${server} has not been seen yet`, { retryable: true });
    }
    const busy = new Set(open.flatMap(({ steps }) => steps.map(keyOf)));
    const steps = bootSteps(booted.id, anticipate(view, open), (one) => !busy.has(keyOf(one)));
    const id = newId();
    const about = {
      id,
      requestId,
      verb: "boot",
      target: { server: booted.name },
      options: {},
      by: "PM_AUTO_BOOT",
    } as const;
    const note = `nothing to do: no instance of ${booted.name} is enabled, or it is being seen to`;
    await commit([fence(epoch), ...createWrites({ ...about, epoch, now: clock.now(), note, steps }, newId)]);
    return { id, steps, stateChange: null };
  };

  /** Of this very start: incarnations begin anew when a server is taken out of the node and in again. */
  const bootIdOf = async (server: string, incarnation: number): Promise<string> => {
    const [member] = await gateway.find("node_cluster", { where: { physical_machine_name: server } });
    const id = member?.logical_machine_id ?? 0;
    const [sentinel] = await gateway.find("sentinel", { where: { logical_machine_id: id, incarnation } });
    return `boot-${id}-${incarnation}-${sentinel?.started_at.getTime() ?? 0}`;
  };

  /** A commit that met its own request id, or broke on its way, may have happened. */
  const once = async (requestId: string, journaled: Promise<Submitted>): Promise<Submitted> => {
    try {
      return await journaled;
    } catch (thrown) {
      if (!(thrown instanceof StoreDuplicate) && !(thrown instanceof StoreAmbiguous)) throw thrown;
      const found = await find(requestId);
      if (found !== null) return found;
      throw thrown instanceof StoreDuplicate ? changing(thrown) : thrown;
    }
  };

  return {
    consider,
    submit: (verb, command) => once(command.requestId, journalPatiently(verb, command)),
    async boot(server, incarnation) {
      const requestId = await bootIdOf(server, incarnation);
      return await once(requestId, journalBoot(server, requestId));
    },
  };
}

/** Somebody else changed at the same moment what this would have changed: nothing has happened. */
export function changing(cause: CastellanError): CastellanError {
  return new CastellanError("CHANGING", "the configuration was changed at the same moment: try again", {
    retryable: true,
    cause,
  });
}

function busy(operation: OpenOperation): CastellanError {
  return new CastellanError(
    "BUSY",
    `${describe(operation)} by ${operation.by} is under way (operation ${operation.id}); wait for it, or shut down instead`,
    { retryable: true, details: { operationId: operation.id, verb: operation.verb } },
  );
}
