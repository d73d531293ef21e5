/**
 * Runs one behaviour by hand, message by message, without a system: what it would have done is recorded. Children are
 * not started, timers fire when the test says so, and a handler that throws throws at the test.
 */
import {
  CastellanError,
  createIdSource,
  createSeededRng,
  type ErrorShape,
  ensureError,
  silentLogger,
} from "@castellan/kernel";
import {
  type AnyBehavior,
  type Behavior,
  type ErasedContext,
  IMPL,
  type Interceptor,
  type Next,
  type ReceiveImpl,
  type Signals,
  type Stash,
} from "../actor.ts";
import type { AskTypes, Message, ReplyFor, TellMessages } from "../message.ts";
import type { AnyRef, ErasedRef, TerminationReason } from "../ref.ts";
import type { SupervisionStrategy } from "../supervision.ts";
import { createActorSystem } from "../system.ts";
import { type Answerer, type Arrived, createKitStash, NOBODY } from "./kit-stash.ts";
import { createManualClock, type ManualClock } from "./manual-clock.ts";

export type Effect =
  | { readonly kind: "spawned"; readonly name: string; readonly behavior: AnyBehavior }
  | { readonly kind: "stopped-child"; readonly path: string }
  | { readonly kind: "told"; readonly path: string; readonly message: Message }
  | { readonly kind: "watched" | "unwatched"; readonly path: string }
  | {
      readonly kind: "timer";
      readonly key: string;
      readonly delayMs: number;
      readonly repeats: boolean;
      readonly message: Message;
    }
  | { readonly kind: "timer-cancelled"; readonly key: string }
  | { readonly kind: "stashed"; readonly message: Message }
  | { readonly kind: "unstashed"; readonly count: number }
  | { readonly kind: "subscribed"; readonly topic: string }
  | { readonly kind: "piped" };

export type Reply<R> =
  | { readonly kind: "none" }
  | { readonly kind: "success"; readonly reply: R }
  | { readonly kind: "refused"; readonly error: CastellanError | ErrorShape };

export interface BehaviorKit<M extends Message> {
  /** What was done since the last look; looking takes it away. */
  takeEffects(): Effect[];
  /** Handles one message now; a handler's promise is waited for. */
  tell(message: TellMessages<M>): Promise<void>;
  /** Handles one ask now, and shows the answer so far; a later answer shows in the same object. */
  ask<K extends AskTypes<M>>(message: M & { readonly type: K }): Promise<{ readonly answer: Reply<ReplyFor<M, K>> }>;
  /** Fires a timer that is set. */
  fire(key: string): Promise<void>;
  /** Ends a watched actor. */
  terminate(path: string, reason?: TerminationReason): Promise<void>;
  /** Handles what the behaviour has sent to itself, unstashed, and got from its pipes and topics, until there is no more. */
  settle(): Promise<void>;
  /** The strategy it is wrapped in. */
  readonly strategy: SupervisionStrategy | null;
  readonly isStopped: boolean;
  readonly clock: ManualClock;
}

interface SetTimer {
  readonly message: Message;
  readonly repeats: boolean;
}

export function createBehaviorKit<M extends Message>(
  behavior: Behavior<M>,
  options: { clock?: ManualClock } = {},
): BehaviorKit<M> {
  return new Kit(behavior, options.clock ?? createManualClock());
}

class Kit {
  readonly clock: ManualClock;
  readonly #context: ErasedContext;
  readonly #timers = new Map<string, SetTimer>();
  readonly #watches = new Map<string, { ref: AnyRef; message: Message | ((reason: TerminationReason) => Message) }>();
  #inbox: Arrived[] = [];
  #hand: Arrived | undefined;
  #lasting: Interceptor[] = [];
  #passing: Interceptor[] = [];
  readonly #pipes = new Set<Promise<void>>();
  #effects: Effect[] = [];
  #current: ReceiveImpl | null = null;
  strategy: SupervisionStrategy | null = null;
  isStopped = false;

  constructor(behavior: AnyBehavior, clock: ManualClock) {
    this.clock = clock;
    this.#context = this.#createContext();
    this.#lasting = this.#become(behavior);
  }

  takeEffects(): Effect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  async tell(message: Message): Promise<void> {
    await this.#handle({ message, replyTo: NOBODY });
  }

  async ask(message: Message): Promise<{ readonly answer: Reply<never> }> {
    const box: { answer: Reply<never> } = { answer: { kind: "none" } };
    const record: { set(kind: "success", reply: unknown): void } = {
      set: (kind: "success", reply: never) => {
        if (box.answer.kind === "none") box.answer = { kind, reply };
      },
    };
    const replyTo: Answerer = {
      success: (reply: unknown) => record.set("success", reply),
      refuse: (error: CastellanError | ErrorShape) => {
        if (box.answer.kind === "none") box.answer = { kind: "refused", error };
      },
    };
    await this.#handle({ message, replyTo });
    return box;
  }

  async fire(key: string): Promise<void> {
    const timer = this.#timers.get(key);
    if (timer === undefined) throw new CastellanError("KIT_NO_TIMER", `no timer "${key}" is set`);
    if (!timer.repeats) this.#timers.delete(key);
    await this.tell(timer.message);
  }

  async terminate(path: string, reason: TerminationReason = "stopped"): Promise<void> {
    const watch = this.#watches.get(path);
    if (watch === undefined) throw new CastellanError("KIT_NOT_WATCHED", `${path} is not watched`);
    this.#watches.delete(path);
    this.#signals.terminated?.(watch.ref, reason);
    await this.tell(typeof watch.message === "function" ? watch.message(reason) : watch.message);
  }

  async settle(): Promise<void> {
    do {
      for (let next = this.#inbox.shift(); next !== undefined; next = this.#inbox.shift()) await this.#handle(next);
      await Promise.all(this.#pipes);
    } while (this.#inbox.length > 0);
  }

  get #signals(): Signals {
    return this.#current?.signals ?? {};
  }

  async #handle(arrived: Arrived): Promise<void> {
    const { message, replyTo } = arrived;
    if (this.isStopped)
      throw new CastellanError("KIT_STOPPED", `the behaviour has stopped and takes no ${message.type}`);
    const handler = this.#current?.handlers[message.type];
    if (handler === undefined) throw new CastellanError("KIT_NO_HANDLER", `no handler for ${message.type}`);
    this.#hand = arrived;
    const around = [...this.#lasting, ...this.#passing];
    const actor = { path: this.#context.path, clock: this.clock, trace: null };
    const from = (at: number): Next<AnyBehavior> =>
      around[at] === undefined ? handler(message, replyTo) : around[at].receive(message, () => from(at + 1), actor);
    const next = await from(0);
    if (next !== undefined) this.#passing = this.#become(next);
    this.#hand = undefined;
    if (this.isStopped) await this.#signals.stopping?.("stopped");
  }

  /** Returns the interceptors it is wrapped in. */
  #become(behavior: AnyBehavior): Interceptor[] {
    const interceptors: Interceptor[] = [];
    let impl = behavior[IMPL];
    while (impl.kind !== "receive" && impl.kind !== "stopped") {
      if (impl.kind === "supervise") this.strategy ??= impl.strategy;
      if (impl.kind === "intercept") interceptors.push(impl.interceptor);
      if (impl.kind === "setup") impl = impl.factory(this.#context)[IMPL];
      else if (impl.kind === "stash") impl = impl.factory(this.#createStash(impl.capacity))[IMPL];
      else impl = impl.behavior[IMPL];
    }
    if (impl.kind === "stopped") this.isStopped = true;
    else this.#current = impl;
    return interceptors;
  }

  #createStash(capacity: number): Stash {
    return createKitStash(capacity, {
      takeHand: () => {
        const hand = this.#hand;
        this.#hand = undefined;
        return hand;
      },
      kept: (message) => this.#effects.push({ kind: "stashed", message }),
      giveBack: (kept) => {
        this.#effects.push({ kind: "unstashed", count: kept.length });
        this.#inbox = [...kept, ...this.#inbox];
      },
    });
  }

  #arrive(message: Message): void {
    this.#inbox.push({ message, replyTo: NOBODY });
  }

  #createContext(): ErasedContext {
    const rng = createSeededRng(1);
    const newId = createIdSource(this.clock, rng);
    const record = (effect: Effect): void => void this.#effects.push(effect);
    const self = recordingRef("/kit", (message) => this.#arrive(message));
    const setTimer = (key: string, delayMs: number, message: Message, repeats: boolean): void => {
      this.#timers.set(key, { message, repeats });
      record({ kind: "timer", key, delayMs, repeats, message });
    };
    const system = createActorSystem({ host: "kit", clock: this.clock, rng, logger: silentLogger, newId });
    return {
      self,
      path: self.path,
      log: silentLogger,
      clock: this.clock,
      rng,
      newId,
      system,
      timers: {
        once: (key, delayMs, message) => setTimer(key, delayMs, message, false),
        every: (key, periodMs, message) => setTimer(key, periodMs, message, true),
        cancel: (key) => {
          if (this.#timers.delete(key)) record({ kind: "timer-cancelled", key });
        },
        has: (key) => this.#timers.has(key),
      },
      spawn: (behavior, name) => {
        record({ kind: "spawned", name, behavior });
        const path = `${self.path}/${name}`;
        return recordingRef(path, (message) => record({ kind: "told", path, message }));
      },
      stop: (child) => record({ kind: "stopped-child", path: child.path }),
      watch: (ref, message) => {
        this.#watches.set(ref.path, { ref, message });
        record({ kind: "watched", path: ref.path });
      },
      unwatch: (ref) => {
        if (this.#watches.delete(ref.path)) record({ kind: "unwatched", path: ref.path });
      },
      subscribe: (topic, message) => {
        record({ kind: "subscribed", topic: topic.name });
        return system.events.subscribe(topic, (event) => this.#arrive(message(event)));
      },
      pipeToSelf: (promise, map) => {
        record({ kind: "piped" });
        const pipe: Promise<void> = promise
          .then(
            (value) => this.#arrive(map.ok(value)),
            (thrown: unknown) => this.#arrive(map.failed(ensureError(thrown))),
          )
          .finally(() => this.#pipes.delete(pipe));
        this.#pipes.add(pipe);
      },
    };
  }
}

/** The kit has no other side: whoever asks a child of it is told so at once. */
function recordingRef(path: string, onTell: (message: Message) => void): ErasedRef {
  return {
    path,
    tell: onTell,
    ask: (message) =>
      Promise.reject(new CastellanError("KIT_NO_ANSWER", `${path} is a stand-in and cannot answer ${message.type}`)),
  };
}
