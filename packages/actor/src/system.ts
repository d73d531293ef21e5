/** Composes a system: one guardian whose children are the top-level actors, one registry of public names. */
import {
  CastellanError,
  type Clock,
  ensureError,
  type IdSource,
  type Logger,
  type Rng,
  sleep,
} from "@castellan/kernel";
import type { ActorSystem, ExposeOptions, Exposure } from "./actor.ts";
import { AskTable } from "./ask/ask-table.ts";
import { receive } from "./behavior.ts";
import { Cell } from "./cell/cell.ts";
import type { CellHost } from "./cell/cell-host.ts";
import { Dispatcher } from "./cell/dispatcher.ts";
import { ReceptionDesk } from "./cluster/receptionist.ts";
import { FollowingRef } from "./cluster/singleton-ref.ts";
import { DeadLetterBox } from "./observe/dead-letters.ts";
import { createEventStream } from "./observe/events.ts";
import { Tracer, tracedLogger } from "./observe/trace.ts";
import type { Protocol } from "./protocol.ts";
import type { AnyRef } from "./ref.ts";
import { checkAddress, pathOf } from "./remote/address.ts";
import { ExposedActor } from "./remote/exposed-actor.ts";
import { Registry } from "./remote/registry.ts";
import { RemoteRef } from "./remote/remote-ref.ts";
import { Codec } from "./remote/wire.ts";
import type { Address, Transport } from "./transport/transport.ts";

export interface ActorSystemOptions {
  /** Name of this system in addresses: a lower-case token. */
  readonly host: string;
  /** How other systems are reached; absent = there are none. The system does not close it. */
  readonly transport?: Transport;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly logger: Logger;
  readonly newId: IdSource;
  /** Sends messages through JSON even to exposed actors of this system, so that what cannot travel fails in tests. */
  readonly encodeLocally?: boolean;
  /** A top-level actor failed beyond its supervision; the system is stopping because of it. */
  readonly onDefect?: (error: Error, path: string) => void;
  /** How long an actor may take to end (handler in hand, `stopping`) before it is left behind. Default 5,000 ms. */
  readonly actorStopMs?: number;
}

const DEFAULT_ACTOR_STOP_MS = 5000;
/** How long the system may take to stop after a defect that no supervision took, milliseconds. */
const DEFECT_STOP_MS = 10_000;

export function createActorSystem(options: ActorSystemOptions): ActorSystem {
  const { host, transport, clock, rng, newId } = options;
  const tracer = new Tracer();
  const logger = tracedLogger(options.logger.child({ host }), tracer);
  const events = createEventStream(logger);
  const deadLetters = new DeadLetterBox(clock, logger, events);
  const asks = new AskTable(clock, deadLetters, tracer);
  const registry = new Registry();
  const codecs = new WeakMap<Protocol, Codec>();
  const closing = new Set<() => void>();
  let stopping: Promise<void> | null = null;

  const codecOf = (protocol: Protocol): Codec => {
    const codec = codecs.get(protocol) ?? new Codec(protocol);
    codecs.set(protocol, codec);
    return codec;
  };
  const connect = (protocol: Protocol, address: Address, epoch: number | null): RemoteRef => {
    checkAddress(address);
    const encodeLocally = options.encodeLocally ?? false;
    const codec = codecOf(protocol);
    return new RemoteRef({
      address,
      codec,
      epoch,
      registry,
      transport,
      clock,
      asks,
      deadLetters,
      tracer,
      encodeLocally,
    });
  };
  const desk = new ReceptionDesk({
    host,
    transport,
    clock,
    logger,
    newId,
    connect: (protocol, address) => connect(protocol, address, null),
  });

  const expose = (protocol: Protocol, key: string, ref: AnyRef, given: ExposeOptions = {}): Exposure => {
    const hosts = given.as === undefined ? [host] : [host, given.as];
    const addresses = hosts.map((name) => ({ host: name, actor: protocol.actor, key }));
    for (const address of addresses) checkAddress(address);
    const paths = addresses.map(pathOf);
    let unlist: (() => void) | null = null;
    const exposed = new ExposedActor({
      path: paths[0] ?? ref.path,
      ref,
      codec: codecOf(protocol),
      clock,
      deadLetters,
      tracer,
      held: given.held ?? null,
      incarnation: newId(),
      onStopped: () => unlist?.(),
      onClosed: () => registry.remove(paths, exposed),
    });
    registry.add(paths, exposed);
    if (given.listed === true) unlist = desk.offer(protocol.actor, key);
    exposed.open(transport, addresses);
    return { close: () => exposed.close() };
  };

  const stop = async (deadlineMs: number): Promise<void> => {
    const over = new AbortController();
    const deadline = sleep(clock, deadlineMs, over.signal);
    const gone = new Promise<"gone">((resolve) => guardian.stop("stopped", () => resolve("gone")));
    if ((await Promise.race([gone, deadline])) !== "gone") {
      logger.error("actors did not stop in time and are left behind", { deadlineMs });
      guardian.abandon();
    }
    over.abort();
    desk.close();
    for (const close of closing) close();
    registry.closeAll();
    asks.close();
  };

  const system: ActorSystem = {
    host,
    receptionist: desk,
    deadLetters,
    events,
    traces: tracer,
    spawn(behavior, name, spawnOptions) {
      if (stopping !== null) throw new CastellanError("SYSTEM_STOPPED", "the actor system has stopped");
      return guardian.spawn(behavior, name, spawnOptions);
    },
    expose,
    remote: (protocol, { host: target, key = "-" }) =>
      connect(protocol, { host: target, actor: protocol.actor, key }, null),
    singleton(protocol, singletonOptions) {
      const { actor } = protocol;
      const { key = "-" } = singletonOptions;
      const ref = new FollowingRef(
        {
          path: `singleton/${actor}/${key}`,
          clock,
          deadLetters,
          connect: ({ holder, epoch }) => connect(protocol, { host: holder, actor, key }, epoch),
        },
        singletonOptions,
      );
      const close = (): void => {
        closing.delete(close);
        ref.close();
      };
      closing.add(close);
      return { ref, close };
    },
    tree: () => [...guardian.node().children],
    inspect: () => ({
      host,
      actors: guardian.node().children,
      deadLetters: { total: deadLetters.count, byReason: { ...deadLetters.byReason } },
    }),
    stop(deadlineMs) {
      stopping ??= stop(deadlineMs);
      return stopping;
    },
  };

  const cellHost: CellHost = {
    clock,
    rng,
    logger,
    newId,
    deadLetters,
    asks,
    tracer,
    system,
    actorStopMs: options.actorStopMs ?? DEFAULT_ACTOR_STOP_MS,
    dispatcher: new Dispatcher((thrown) => logger.error("an actor's turn broke", { error: ensureError(thrown) })),
    rootFailed(error, path) {
      logger.error("a top-level actor failed for good: the system stops", { actor: path, error });
      void system.stop(DEFECT_STOP_MS);
      options.onDefect?.(error, path);
    },
  };
  const guardian = new Cell(cellHost, null, "/user", receive<never>({}));
  return system;
}
