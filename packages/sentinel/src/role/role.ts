/**
 * The role of this sentinel: slave, or master of one epoch. On one server it takes mastership whenever nobody else holds
 * it; the election among several servers will be decided here.
 *
 * L1 A worker never inherits mastership: also where the schema names its own server, it takes a new epoch first.
 * L2 What a master runs lives within a term: it is spawned and exposed (as host "master") after its epoch was taken, and its
 *    names are taken back before the next term begins. What then still finishes its last message is fenced by its epoch.
 * L3 A term that was lost, or could not begin, is followed by another try after a growing wait. While another server is
 *    master, this one looks on.
 */
import {
  type ActorContext,
  type ActorRef,
  type AnyRef,
  type Behavior,
  type CommandOf,
  type Exposure,
  type Message,
  type Protocol,
  receive,
  restart,
  setup,
  supervise,
} from "@castellan/actor";
import { backoffMs, CastellanError, ensureError } from "@castellan/kernel";
import type { Gateway } from "@castellan/store";
import { readMastership, takeOver } from "./mastership.ts";

/** What a master's parts are made with. Valid until its `stop` function is called. */
export interface Term {
  readonly epoch: number;
  /** Starts an actor that ends with the term. */
  spawn<M extends Message>(behavior: Behavior<M>, name: string): ActorRef<M>;
  /** Gives it the name {this server, protocol.actor, "-"} and {"master", protocol.actor, "-"} for the term. */
  expose<P extends Protocol>(protocol: P, ref: ActorRef<CommandOf<P>>): void;
  /** For the parts: another is master. The term ends; calling it again, or after the end, does nothing. */
  readonly onDeposed: () => void;
}

/** Ends what is not an actor of the term (a subscription, say). Called before its actors are stopped. */
export type StopMaster = () => void | Promise<void>;

export interface RoleDeps {
  readonly gateway: Gateway;
  readonly serverId: number;
  readonly startMaster: (term: Term) => StopMaster | Promise<StopMaster>;
  /** For heartbeats and probes: told of every change. */
  readonly onChange?: (role: RoleState) => void;
}

export type RoleState = { readonly role: "master"; readonly epoch: number } | { readonly role: "slave" };

/** Between looks at who is master, while it is another server. */
const WATCH_MS = 1000;
const RETRY = { firstMs: 100, maxMs: 5000 };
/** A term that lasted this long was a good one: the next wait is short again. */
const GOOD_TERM_MS = 60_000;

export type RoleCommand = { readonly type: "Seek" } | { readonly type: "Deposed"; readonly epoch: number };

interface Running {
  readonly epoch: number;
  readonly beganMs: number;
  readonly end: () => Promise<void>;
}

export function createRole(deps: RoleDeps): Behavior<RoleCommand> {
  const behavior = setup<RoleCommand>((context) => act(deps, context));
  return supervise(behavior, restart({ maxRestarts: 5, withinMs: 60_000, backoff: RETRY }));
}

function act(deps: RoleDeps, context: ActorContext<RoleCommand>): Behavior<RoleCommand> {
  const { gateway, serverId } = deps;
  const { clock, log, rng, newId, timers, self } = context;
  let running: Running | null = null;
  let failures = 0;

  const later = (): void => {
    timers.once("seek", backoffMs(RETRY, failures, rng), { type: "Seek" });
    failures += 1;
  };

  /** Null: another server is master. */
  const takeEpoch = async (): Promise<number | null> => {
    const { master_id: masterId } = await readMastership(gateway);
    if (masterId !== null && masterId !== serverId) return null;
    const taken = await takeOver(gateway, { serverId, nonce: newId(), now: clock.now() });
    return taken.kind === "master" ? taken.epoch : null;
  };

  const seek = async (): Promise<void> => {
    const epoch = await takeEpoch();
    if (epoch === null) {
      timers.once("seek", WATCH_MS, { type: "Seek" });
      return;
    }
    log.info("this server is master", { epoch });
    running = await beginTerm(deps, context, epoch);
    deps.onChange?.({ role: "master", epoch });
  };

  const endTerm = async (): Promise<void> => {
    const term = running;
    if (term === null) return;
    running = null;
    if (clock.bootMs() - term.beganMs >= GOOD_TERM_MS) failures = 0;
    await term.end();
    deps.onChange?.({ role: "slave" });
  };

  self.tell({ type: "Seek" });

  return receive<RoleCommand>(
    {
      async Seek() {
        if (running !== null) return;
        try {
          await seek();
        } catch (thrown) {
          // The database is away, the server is no member, a part did not start: none of it is better for a crash.
          const error = ensureError(thrown);
          const retryable = thrown instanceof CastellanError && thrown.retryable;
          log[retryable ? "warn" : "error"]("mastership could not be taken; trying again", { error });
          later();
        }
      },
      async Deposed({ epoch }) {
        if (running?.epoch !== epoch) return;
        log.warn("mastership lost", { epoch });
        await endTerm();
        later();
      },
    },
    { stopping: endTerm },
  );
}

async function beginTerm(deps: RoleDeps, context: ActorContext<RoleCommand>, epoch: number): Promise<Running> {
  const { clock, log, self, system } = context;
  const children: AnyRef[] = [];
  const exposures: Exposure[] = [];
  let stopMaster: StopMaster | null = null;

  const end = async (): Promise<void> => {
    for (const exposure of exposures.reverse()) exposure.close();
    try {
      await stopMaster?.();
    } catch (thrown) {
      log.error("a part of the master could not be stopped", { epoch, error: ensureError(thrown) });
    }
    for (const child of children.reverse()) context.stop(child);
  };
  const term: Term = {
    epoch,
    spawn(behavior, name) {
      // The last term's actor may still be ending: a name of its own.
      const ref = context.spawn(behavior, `${name}-${epoch}`);
      children.push(ref);
      return ref;
    },
    expose(protocol, ref) {
      exposures.push(system.expose(protocol, "-", ref, { as: "master" }));
    },
    onDeposed: () => self.tell({ type: "Deposed", epoch }),
  };
  try {
    stopMaster = await deps.startMaster(term);
  } catch (thrown) {
    await end();
    throw thrown;
  }
  return { epoch, beganMs: clock.bootMs(), end };
}
