/** Composes a system: one guardian whose children are the top-level actors, one registry of public names. */
import { CastellanError, ensureError, sleep } from "@castellan/kernel";
import { AskTable } from "./ask-table.ts";
import { receive } from "./behavior.ts";
import { Cell } from "./cell.ts";
import type { CellHost } from "./cell-host.ts";
import { DeadLetterBox } from "./dead-letters.ts";
import { Dispatcher } from "./dispatcher.ts";
import { ExposedActor } from "./exposed-actor.ts";
import type { Protocol } from "./protocol.ts";
import type { AnyRef } from "./ref.ts";
import { checkAddress, pathOf, Registry } from "./registry.ts";
import { RemoteRef } from "./remote-ref.ts";
import type { ActorSystem, ActorSystemOptions, ExposeOptions, Exposure } from "./system-types.ts";
import { Codec } from "./wire.ts";

const DEFAULT_ACTOR_STOP_MS = 5000;
/** How long the system may take to stop after a defect that no supervision took, milliseconds. */
const DEFECT_STOP_MS = 10_000;

export function createActorSystem(options: ActorSystemOptions): ActorSystem {
  const { host, transport, clock, rng, newId } = options;
  const logger = options.logger.child({ host });
  const deadLetters = new DeadLetterBox(clock, logger);
  const asks = new AskTable(clock, deadLetters);
  const registry = new Registry();
  const codecs = new WeakMap<Protocol, Codec>();
  let stopping: Promise<void> | null = null;

  const codecOf = (protocol: Protocol): Codec => {
    const codec = codecs.get(protocol) ?? new Codec(protocol);
    codecs.set(protocol, codec);
    return codec;
  };

  const expose = (protocol: Protocol, key: string, ref: AnyRef, { as }: ExposeOptions = {}): Exposure => {
    const hosts = as === undefined ? [host] : [host, as];
    const addresses = hosts.map((name) => ({ host: name, actor: protocol.actor, key }));
    for (const address of addresses) checkAddress(address);
    const paths = addresses.map(pathOf);
    const exposed = new ExposedActor({
      path: paths[0] ?? ref.path,
      ref,
      codec: codecOf(protocol),
      clock,
      deadLetters,
      incarnation: newId(),
      onClosed: () => registry.remove(paths, exposed),
    });
    registry.add(paths, exposed);
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
    registry.closeAll();
    asks.close();
  };

  const system: ActorSystem = {
    host,
    deadLetters,
    spawn(behavior, name, spawnOptions) {
      if (stopping !== null) throw new CastellanError("SYSTEM_STOPPED", "the actor system has stopped");
      return guardian.spawn(behavior, name, spawnOptions?.mailbox);
    },
    expose,
    remote(protocol, { host: target, key = "-" }) {
      const address = { host: target, actor: protocol.actor, key };
      checkAddress(address);
      return new RemoteRef({
        address,
        codec: codecOf(protocol),
        registry,
        transport,
        clock,
        asks,
        deadLetters,
        encodeLocally: options.encodeLocally ?? false,
      });
    },
    tree: () => [...guardian.node().children],
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
