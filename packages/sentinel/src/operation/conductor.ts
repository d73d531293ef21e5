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
  type NodeState,
} from "@castellan/protocol";
import { type Gateway, StoreConflict, type Write } from "@castellan/store";
import type { EventSink } from "../ports.ts";
import { fence } from "../role/mastership.ts";
import { createAnswer, notMaster } from "./answering.ts";
import { createChores } from "./chores.ts";
import { readOpenOperations } from "./journal.ts";
import { readNextCommit } from "./next-commit.ts";
import { previewOf } from "./preview.ts";
import { changing, createRequests } from "./requests.ts";
import { createServerWatch, type GrantsOver } from "./server-watch.ts";
import { createStateWatch } from "./state-watch.ts";

export interface ConductorDeps {
  readonly gateway: Gateway;
  /** The epoch this conductor was made for. */
  readonly epoch: number;
  readonly events: EventSink;
  /** Tells a server's sentinel that a step may have become claimable. Must not throw; may get lost. */
  readonly wake: (server: string) => void;
  /** Asks a server to take mastership back. Must not throw; may get lost. */
  readonly handBack: (server: string) => void;
  /** Whether a lost server certainly runs nothing any more of what needs a grant. */
  readonly grantsOver: GrantsOver;
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
  let tidyQueued = false;
  const servers = createServerWatch({ gateway, clock, grantsOver: deps.grantsOver });
  const chores = createChores({ gateway, epoch, clock, newId, servers });
  const state = createStateWatch({ gateway, epoch, clock, servers });
  const said = new Set<string>();
  const onBroken = (what: string): void => {
    if (said.has(what)) return;
    said.add(what);
    log.error("an operation is left alone", { what });
  };
  const plans = { gateway, clock, servers, onBroken, epoch, newId };

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

  const requests = createRequests({
    gateway,
    epoch,
    clock,
    newId,
    commit,
    depose() {
      depose();
      return notMaster();
    },
  });

  const wakeAll = (steps: Iterable<{ readonly server: string }>): void => {
    for (const server of new Set([...steps].map((step) => step.server))) deps.wake(server);
  };

  const boot = async (server: string, incarnation: number): Promise<string> => {
    const { id, steps } = await requests.boot(server, incarnation);
    log.info("a server has been started", { server, operation: id, steps: steps.length });
    wakeAll(steps);
    chores.stir();
    queueLook();
    return id;
  };

  const submit = async (verb: CommandVerb, command: CommandRequest): Promise<string> => {
    const { id, steps, stateChange: change } = await requests.submit(verb, command);
    log.info("operation accepted", {
      operation: id,
      verb,
      target: command.target,
      by: command.by,
      steps: steps.length,
    });
    if (change !== null) publishState(change.to, change.from);
    wakeAll(steps.filter(({ dependsOn }) => dependsOn.length === 0));
    // Of one that was known already nobody knows how far its messages came.
    if (steps.length === 0) queueLook();
    return id;
  };

  /** Whether there was something to move. */
  const look = async (withState: boolean): Promise<boolean> => {
    const { writes, now, ...next } = await readNextCommit(plans, withState);
    const change = withState || next.ended.length > 0 ? await state.change(next.stillOpen) : null;
    if (state.isSettling) timers.once("settle", SETTLE_LOOK_MS, { type: "Tick" });
    if (change === "deposed") depose();
    if (change === "deposed" || deposed || (writes.length === 0 && change === null)) return false;
    await commit([fence(epoch, change === null ? {} : { state: change.to, changed_at: now }), ...writes]);
    for (const { step, state: closed, why } of next.closings) {
      log.warn("a step is waited for no longer", { type: step.type, instance: step.instance, state: closed, why });
    }
    for (const { operation, wave } of next.ended) {
      log.info("operation ended", { operation: operation.id, ...wave.ended });
    }
    if (next.ended.length > 0) {
      tidyQueued = true;
      chores.stir();
    }
    if (change !== null) publishState(change.to, change.from);
    wakeAll(next.readied);
    return true;
  };

  /** What nobody has asked for. Whether there was something. */
  const tidy = async (): Promise<boolean> => {
    if (deposed) return false;
    const chore = await chores.next(await readOpenOperations(gateway));
    if (chore === null) return false;
    if (chore.writes.length > 0) await commit([fence(epoch), ...chore.writes]);
    log.info(chore.why, { steps: chore.steps.length });
    if (chore.handBack !== undefined) deps.handBack(chore.handBack);
    wakeAll(chore.steps.filter(({ dependsOn }) => dependsOn.length === 0));
    return true;
  };

  const lookAgain = async (withState: boolean): Promise<void> => {
    if (deposed) return;
    const startedMs = clock.bootMs();
    let moved = false;
    try {
      moved = await look(withState);
      if (withState) tidyQueued = true;
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

  const answer = createAnswer(() => deposed);
  timers.every("tick", TICK_MS, { type: "Tick" });
  // What the last conductor left open, and whatever it had no time to tell.
  self.tell({ type: "Tick" });

  return receive<ConductorCommand>({
    Submit: ({ verb, command }, replyTo) =>
      answer(
        replyTo,
        async () => ({ operationId: await submit(verb, command) }),
        ({ code }) => log.info("operation refused", { verb, target: command.target, by: command.by, code }),
      ),
    Boot: ({ server, incarnation }, replyTo) =>
      answer(replyTo, async () => ({ operationId: await boot(server, incarnation) })),
    Preview: ({ verb, ...wish }, replyTo) =>
      answer(replyTo, async () => {
        const { view, planned, superseded } = await requests.consider(verb, wish);
        return previewOf(planned, view.instances, superseded);
      }),
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
