/**
 * The conductor: turns requests into journaled plans and drives them to their end. Lives on the master, one per epoch.
 *
 * C1 It keeps nothing: every decision is made from rows read just before, by pure functions, so a new conductor goes on
 *    where the last one died, at whatever commit that was.
 * C2 Every commit begins with the fence of its epoch. A missed fence means another is master: it says so once
 *    (`onDeposed`) and does nothing any more.
 * C3 A plan is written whole or not at all; a refused request leaves no row. One request id is one operation.
 * C4 Waking a sentinel and publishing an event come after the commit they tell of. Both may get lost with the process: the
 *    sentinel polls, and the rows are the truth.
 */
import { type ActorContext, type Behavior, type CommandOf, receive, restart, setup, supervise } from "@castellan/actor";
import { CastellanError } from "@castellan/kernel";
import {
  type CommandRequest,
  type CommandVerb,
  type Conductor,
  type NodeEvent,
  NodeState,
  ProcessStatus,
} from "@castellan/protocol";
import {
  type Gateway,
  readNodeView,
  StoreAmbiguous,
  StoreConflict,
  StoreDuplicate,
  type Write,
} from "@castellan/store";
import type { EventSink } from "../ports.ts";
import { fence, readMastership } from "../role/mastership.ts";
import { createChores } from "./chores.ts";
import { createWrites, readOpenOperations, startNewWrites, supersedeWrites, waveWrites } from "./journal.ts";
import { nodeStateOf, type Settling, settle, stateDuring } from "./node-state.ts";
import { anticipate, describe, findOverlap, type OpenOperation, type OperationStep } from "./overlap.ts";
import type { PlannerView, PlanStep } from "./plan.ts";
import { plan } from "./planner.ts";
import { previewOf } from "./preview.ts";
import { planStartNew } from "./start-new.ts";
import { nextWave, type Wave } from "./wave.ts";

export interface ConductorDeps {
  readonly gateway: Gateway;
  /** The epoch this conductor was made for. */
  readonly epoch: number;
  readonly events: EventSink;
  /** Tells a server's sentinel that a step may have become claimable. Must not throw; may get lost. */
  readonly wake: (server: string) => void;
  /** Another is master. Called once. */
  readonly onDeposed: () => void;
}

/** Steps of a silent sentinel, and the node's state, are looked at this often. */
const TICK_MS = 1000;
/** While a state settles. */
const SETTLE_LOOK_MS = 100;
/**
 * After a look of n ms that found nothing to move, the next waits this many times n: while the steps of a large plan end one
 * by one, looking takes a third of the time at most.
 */
const REST_FACTOR = 2;

/** How often others may change between look and commit what a request is about. */
const ATTEMPTS = 3;

/** A request that may be carried out. */
interface Accepted {
  readonly steps: readonly PlanStep[];
  readonly note: string | null;
  /** What has to be on record with its operation. */
  readonly writes: readonly Write[];
}

type Wish = Pick<CommandRequest, "target" | "options">;

type Private = { readonly type: "Tick" } | { readonly type: "Look" };
export type ConductorCommand = CommandOf<typeof Conductor> | Private;

export function createConductor(deps: ConductorDeps): Behavior<ConductorCommand> {
  const behavior = setup<ConductorCommand>((context) => conduct(deps, context));
  const backoff = { firstMs: 100, maxMs: 5000 };
  return supervise(behavior, restart({ maxRestarts: 10, withinMs: 60_000, backoff }));
}

function conduct(deps: ConductorDeps, context: ActorContext<ConductorCommand>): Behavior<ConductorCommand> {
  const { gateway, epoch } = deps;
  const { clock, log, newId, timers, self } = context;
  let deposed = false;
  let lookQueued = false;
  let restUntilMs = 0;
  let settling: Settling | null = null;
  let tidyQueued = false;
  const chores = createChores({ gateway, epoch, clock, newId });

  const depose = (): void => {
    if (deposed) return;
    deposed = true;
    timers.cancel("tick");
    log.warn("another sentinel is master: conducting no more", { epoch });
    deps.onDeposed();
  };

  const commit = async (writes: readonly Write[]): Promise<void> => {
    try {
      await gateway.commit(writes);
    } catch (thrown) {
      if (!(thrown instanceof StoreConflict)) throw thrown;
      if (thrown.index !== 0) throw changing(thrown);
      depose();
      throw notMaster();
    }
  };

  const publishState = (state: NodeState, previous: NodeState): void => {
    log.info("the node's state has changed", { state, previous });
    const subject = { kind: "node", what: "state-changed" } as const;
    deps.events.publish(subject, {
      type: "castellan.node.state-changed",
      data: { state, previous, epoch } satisfies NodeEvent,
    });
  };

  const findRequest = async (requestId: string): Promise<string | null> => {
    const [row] = await gateway.find("operation", { where: { request_id: requestId } });
    return row?.id ?? null;
  };

  /** Throws the refusal. */
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

  /** What a request would do now. Throws the refusal. */
  const consider = async (verb: CommandVerb, wish: Wish) => {
    const [view, open] = [await readNodeView(gateway), await readOpenOperations(gateway)];
    if (view.epoch !== epoch) {
      depose();
      throw notMaster();
    }
    const planned = await planFor(verb, wish, anticipate(view, open));
    const overlap = findOverlap(verb, planned.steps, open);
    if (overlap.kind === "busy") throw busy(overlap.operation);
    return { view, open, planned, superseded: overlap.superseded };
  };

  const submit = async (verb: CommandVerb, command: CommandRequest): Promise<string> => {
    const known = await findRequest(command.requestId);
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
    log.info("operation accepted", { operation: id, verb, target, by, steps: steps.length });
    if (state !== view.state) publishState(state, view.state);
    wakeAll(steps.filter(({ dependsOn }) => dependsOn.length === 0));
    return id;
  };

  /** A commit that met its own request id, or broke on its way, may have happened. */
  const submitOnce = async (verb: CommandVerb, command: CommandRequest): Promise<string> => {
    try {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await submit(verb, command);
        } catch (thrown) {
          if (!isChanging(thrown) || attempt === ATTEMPTS) throw thrown;
        }
      }
    } catch (thrown) {
      if (!(thrown instanceof StoreDuplicate) && !(thrown instanceof StoreAmbiguous)) throw thrown;
      const id = await findRequest(command.requestId);
      if (id === null) throw thrown instanceof StoreDuplicate ? changing(thrown) : thrown;
      queueLook();
      return id;
    }
  };

  const wakeAll = (steps: Iterable<{ readonly server: string }>): void => {
    for (const server of new Set([...steps].map((step) => step.server))) deps.wake(server);
  };

  /** Whether there was something to move. */
  const look = async (withState: boolean): Promise<boolean> => {
    const open = await readOpenOperations(gateway);
    const moves = open.map((operation) => ({ operation, wave: nextWave(operation.steps) }));
    const ended = moves.filter(({ wave }) => wave.ended !== null);
    const now = clock.now();
    const writes = moves.flatMap(({ operation, wave }) => waveWrites(operation, wave, now));
    const stillOpen = moves.filter(({ wave }) => wave.ended === null).map(({ operation }) => operation);
    const change = withState || ended.length > 0 ? await stateChange(stillOpen) : null;
    if (deposed || (writes.length === 0 && change === null)) return false;
    await commit([fence(epoch, change === null ? {} : { state: change.to, changed_at: now }), ...writes]);
    for (const { operation, wave } of ended) {
      log.info("operation ended", { operation: operation.id, ...wave.ended });
    }
    if (change !== null) publishState(change.to, change.from);
    wakeAll(moves.flatMap(readied));
    return true;
  };

  /** What nobody has asked for. Whether there was something. */
  const tidy = async (): Promise<boolean> => {
    if (deposed) return false;
    const chore = await chores.next(await readOpenOperations(gateway));
    if (chore === null) return false;
    await commit([fence(epoch), ...chore.writes]);
    log.info(chore.why, { steps: chore.steps.length });
    wakeAll(chore.steps.filter(({ dependsOn }) => dependsOn.length === 0));
    return true;
  };

  const stateChange = async (open: readonly OpenOperation[]): Promise<{ from: NodeState; to: NodeState } | null> => {
    const mastership = await readMastership(gateway);
    if (mastership.epoch !== epoch) {
      depose();
      return null;
    }
    const rows = await gateway.find("process_config");
    const instances = rows.map((row) => ({ enabled: row.enabled, status: statusOf(row.last_known_status) }));
    const from = NodeState.catch("STOPPED").parse(mastership.state);
    const to = nodeStateOf({ instances }, open);
    const settled = settle(from, to, settling, clock.bootMs());
    settling = settled.settling;
    if (settling !== null) timers.once("settle", SETTLE_LOOK_MS, { type: "Tick" });
    return settled.record ? { from, to } : null;
  };

  const lookAgain = async (withState: boolean): Promise<void> => {
    if (deposed) return;
    const startedMs = clock.bootMs();
    let moved = false;
    try {
      moved = await look(withState);
      if (withState || moved) tidyQueued = true;
      if (tidyQueued && !deposed) {
        tidyQueued = await tidy();
        // One at a time: the next is decided over what this one has changed.
        if (tidyQueued) queueLook();
      }
    } catch (thrown) {
      // Expected: the database is away, a step moved meanwhile, another is master. The next tick looks again.
      if (!(thrown instanceof CastellanError)) throw thrown;
      if (!deposed) log.warn("the plans could not be moved on; trying again", { error: thrown, inMs: TICK_MS });
    }
    const endedMs = clock.bootMs();
    restUntilMs = moved ? endedMs : endedMs + REST_FACTOR * (endedMs - startedMs);
  };

  const queueLook = (): void => {
    if (lookQueued || deposed) return;
    lookQueued = true;
    const restMs = restUntilMs - clock.bootMs();
    if (restMs > 0) timers.once("look", restMs, { type: "Look" });
    else self.tell({ type: "Look" });
  };

  timers.every("tick", TICK_MS, { type: "Tick" });
  // What the last conductor left open, and whatever it had no time to tell.
  self.tell({ type: "Tick" });

  return receive<ConductorCommand>({
    async Submit({ verb, command }, replyTo) {
      if (deposed) {
        replyTo.refuse(notMaster());
        return;
      }
      try {
        replyTo.success({ operationId: await submitOnce(verb, command) });
      } catch (thrown) {
        if (!(thrown instanceof CastellanError)) throw thrown;
        log.info("operation refused", { verb, target: command.target, by: command.by, code: thrown.code });
        replyTo.refuse(thrown);
      }
    },
    async Preview({ verb, ...wish }, replyTo) {
      try {
        if (deposed) throw notMaster();
        const { view, planned, superseded } = await consider(verb, wish);
        replyTo.success(previewOf(planned, view.instances, superseded));
      } catch (thrown) {
        if (!(thrown instanceof CastellanError)) throw thrown;
        replyTo.refuse(thrown);
      }
    },
    StepFinished: queueLook,
    ProcessesDied: () => {
      tidyQueued = true;
      queueLook();
    },
    Look: () => {
      lookQueued = false;
      return lookAgain(false);
    },
    Tick: () => lookAgain(true),
  });
}

function readied({ operation, wave }: { readonly operation: OpenOperation; readonly wave: Wave }): OperationStep[] {
  const ready = new Set(wave.ready);
  return operation.steps.filter(({ seq }) => ready.has(seq));
}

const statusOf = (stored: string): ProcessStatus => ProcessStatus.catch("STOPPED").parse(stored);

const isChanging = (thrown: unknown): boolean => thrown instanceof CastellanError && thrown.code === "CHANGING";

/** Somebody else changed at the same moment what this would have changed: nothing has happened. */
function changing(cause: CastellanError): CastellanError {
  return new CastellanError("CHANGING", "the configuration was changed at the same moment: try again", {
    retryable: true,
    cause,
  });
}

function notMaster(): CastellanError {
  return new CastellanError("NOT_MASTER", "this sentinel is not master any more; ask again", { retryable: true });
}

function busy(operation: OpenOperation): CastellanError {
  return new CastellanError(
    "BUSY",
    `${describe(operation)} by ${operation.by} is under way (operation ${operation.id}); wait for it, or shut down instead`,
    { retryable: true, details: { operationId: operation.id, verb: operation.verb } },
  );
}
