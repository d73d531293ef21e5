/** The context of one life of an actor. After that life it is closed: what it started is over, what it is asked is ignored. */
import { CastellanError, type Clock, ensureError, type IdSource, type Logger, type Rng } from "@castellan/kernel";
import type { ActorSystem, AnyBehavior, ErasedContext, SpawnOptions } from "../actor.ts";
import type { Message } from "../message.ts";
import type { Topic } from "../observe/events.ts";
import { type AnyRef, type ErasedRef, type TerminationReason, WATCH } from "../ref.ts";
import type { Owner } from "./cell-host.ts";
import { CellTimers } from "./cell-timers.ts";
import type { TerminatedTag } from "./tag.ts";

export class CellContext implements ErasedContext {
  readonly #cell: Owner;
  readonly timers: CellTimers;
  readonly #watches = new Map<AnyRef, { unwatch: () => void }>();
  readonly #subscriptions = new Set<() => void>();
  #log: Logger | null = null;
  #closed = false;

  constructor(cell: Owner) {
    this.#cell = cell;
    this.timers = new CellTimers(cell.host.clock, (message, tag) => cell.enqueue(message, tag));
  }

  get self(): ErasedRef {
    return this.#cell.ref;
  }
  get path(): string {
    return this.#cell.path;
  }
  get log(): Logger {
    this.#log ??= this.#cell.host.logger.child({ actor: this.path });
    return this.#log;
  }
  get clock(): Clock {
    return this.#cell.host.clock;
  }
  get rng(): Rng {
    return this.#cell.host.rng;
  }
  get newId(): IdSource {
    return this.#cell.host.newId;
  }
  get system(): ActorSystem {
    return this.#cell.host.system;
  }

  spawn(behavior: AnyBehavior, name: string, options?: SpawnOptions): ErasedRef {
    if (this.#closed) throw new CastellanError("ACTOR_STOPPED", `${this.path} has ended and starts no children`);
    return this.#cell.spawn(behavior, name, options);
  }

  stop(child: AnyRef): void {
    this.#cell.stopChild(child);
  }

  watch(ref: AnyRef, message: Message | ((reason: TerminationReason) => Message)): void {
    const start = ref[WATCH];
    if (start === undefined) throw new CastellanError("NOT_WATCHABLE", `${ref.path} cannot be watched`);
    this.unwatch(ref);
    if (this.#closed) return;
    const watch = { unwatch: (): void => undefined };
    this.#watches.set(ref, watch);
    watch.unwatch = start.call(ref, (reason) => {
      if (this.#watches.get(ref) !== watch) return;
      const tag = { kind: "terminated", ref, reason, life: this, trace: null } as const;
      this.#cell.enqueue(typeof message === "function" ? message(reason) : message, tag);
    });
  }

  unwatch(ref: AnyRef): void {
    this.#watches.get(ref)?.unwatch();
    this.#watches.delete(ref);
  }

  /** Whether the end of that actor was still watched for in this life; it is not any more. */
  accepts(tag: TerminatedTag): boolean {
    return tag.life === this && this.#watches.delete(tag.ref);
  }

  subscribe<E>(topic: Topic<E>, message: (event: E) => Message): () => void {
    if (this.#closed) return () => undefined;
    const end = this.system.events.subscribe(topic, (event) => this.#cell.hear(message(event)));
    const unsubscribe = (): void => {
      end();
      this.#subscriptions.delete(unsubscribe);
    };
    this.#subscriptions.add(unsubscribe);
    return unsubscribe;
  }

  pipeToSelf<T>(promise: Promise<T>, map: { ok(value: T): Message; failed(error: Error): Message }): void {
    const { tracer, deadLetters } = this.#cell.host;
    const tag = { kind: "own", trace: tracer.active ? tracer.current() : null } as const;
    const send = (make: () => Message): void => {
      if (this.#closed) {
        deadLetters.add(this.path, "(piped result)", "stale-result");
        return;
      }
      try {
        this.#cell.enqueue(make(), tag);
      } catch (thrown) {
        this.#cell.defect(ensureError(thrown));
      }
    };
    promise.then(
      (value) => send(() => map.ok(value)),
      (thrown: unknown) => send(() => map.failed(ensureError(thrown))),
    );
  }

  close(): void {
    this.#closed = true;
    this.timers.close();
    for (const watch of this.#watches.values()) watch.unwatch();
    this.#watches.clear();
    for (const unsubscribe of this.#subscriptions) unsubscribe();
  }
}
