/**
 * One actor in the whole cluster: every system runs this behaviour, and the one that holds the epoch hosts the instance.
 * It is exposed under `{holder}/{protocol.actor}/{key}` for messages of its epoch only; `system.singleton` makes refs
 * that follow it. Two instances may overlap for a moment when news travels slowly: what they do outside must carry the
 * epoch too, and be refused there when it is old.
 */
import { type Backoff, backoffMs, ensureError } from "@castellan/kernel";
import type { ActorContext, Behavior, Exposure } from "../actor.ts";
import { receive, setup } from "../behavior.ts";
import type { CommandOf, Protocol } from "../protocol.ts";
import type { ActorRef } from "../ref.ts";
import type { EpochPort } from "./epoch-port.ts";
import { decideSingleton, initialSingleton, type SingletonEvent } from "./singleton-decision.ts";

export interface SingletonOptions<P extends Protocol> {
  readonly protocol: P;
  /** Default "-". */
  readonly key?: string;
  readonly epochs: EpochPort;
  /** The instance. When it ends by itself, the epoch is given back and any system may start the next. */
  readonly behavior: (epoch: number) => Behavior<CommandOf<P>>;
  /** The pause after an attempt to take a free epoch. Default 100 ms, growing to 5 s. */
  readonly retry?: Backoff;
  /** How long one attempt may take, milliseconds; its late result comes by `watch`. Default 5,000. */
  readonly acquireMs?: number;
}

const RETRY: Backoff = { firstMs: 100, maxMs: 5000 };
const ACQUIRE_MS = 5000;

/** Private: what the world tells it. */
export type SingletonCommand = SingletonEvent | { readonly type: "Attempted" };

interface Instance<P extends Protocol> {
  readonly epoch: number;
  readonly ref: ActorRef<CommandOf<P>>;
  readonly exposure: Exposure;
}

/** Whatever came of it: what has changed is told by `watch`. */
const attempted = (): SingletonCommand => ({ type: "Attempted" });

export function createSingleton<P extends Protocol>(options: SingletonOptions<P>): Behavior<SingletonCommand> {
  const { protocol, key = "-", epochs, behavior, retry = RETRY, acquireMs = ACQUIRE_MS } = options;
  return setup<SingletonCommand>((context) => {
    const { system, self, timers, log } = context;
    let state = initialSingleton;
    let instance: Instance<P> | null = null;
    let attempts = 0;

    const release = (epoch: number): void => {
      epochs.release(epoch).catch((thrown: unknown) => {
        log.warn("an epoch could not be given back", { epoch, error: ensureError(thrown) });
      });
    };
    const attempt = (): void => {
      timers.once("attempt", acquireMs, { type: "Attempted" });
      context.pipeToSelf(epochs.acquire(system.host), { ok: attempted, failed: attempted });
    };
    const start = (epoch: number): void => {
      instance = startInstance(context, { protocol, key, behavior: behavior(epoch), epoch });
      attempts = 0;
      log.info("singleton is hosted here", { actor: protocol.actor, key, epoch });
    };
    const stopInstance = (): void => {
      if (instance === null) return;
      instance.exposure.close(); // at once: what comes from now on goes to the next holder
      context.stop(instance.ref);
    };
    const apply = (event: SingletonEvent): void => {
      const decided = decideSingleton(state, event, system.host);
      state = decided.state;
      for (const effect of decided.effects) {
        if (effect.kind === "start") start(effect.epoch);
        else if (effect.kind === "stop") stopInstance();
        else if (effect.kind === "acquire") attempt();
        else {
          release(effect.epoch);
          timers.once("again", backoffMs(retry, 0, context.rng), { type: "TryAgain" });
        }
      }
    };
    const unwatch = epochs.watch((claim) => self.tell({ type: "Claimed", claim }));
    return receive<SingletonCommand>(
      {
        Claimed: apply,
        Outdated: apply,
        InstanceGone: apply,
        TryAgain: apply,
        Attempted: () => {
          timers.cancel("attempt");
          if (timers.has("again")) return;
          timers.once("again", backoffMs(retry, attempts, context.rng), { type: "TryAgain" });
          attempts += 1;
        },
      },
      {
        stopping: () => {
          unwatch();
          instance?.exposure.close();
          if (state.held !== null) release(state.held);
        },
      },
    );
  });
}

function startInstance<P extends Protocol>(
  context: ActorContext<SingletonCommand>,
  {
    protocol,
    key,
    behavior,
    epoch,
  }: { readonly protocol: P; readonly key: string; readonly behavior: Behavior<CommandOf<P>>; readonly epoch: number },
): Instance<P> {
  const ref = context.spawn<CommandOf<P>>(behavior, `epoch-${epoch}`);
  context.watch(ref, { type: "InstanceGone", epoch });
  const onLater = (later: number): void => context.self.tell({ type: "Outdated", epoch: later });
  const exposure = context.system.expose(protocol, key, ref, { held: { epoch, onLater } });
  return { epoch, ref, exposure };
}
