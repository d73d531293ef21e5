/** The context of one life of an actor. After that life it is closed: what it started is over, what it is asked is ignored. */
import { CastellanError, type Clock, ensureError, type IdSource, type Logger, type Rng } from "@castellan/kernel";
import type { AnyBehavior } from "./behavior.ts";
import type { Cell } from "./cell.ts";
import { CellRef } from "./cell-ref.ts";
import { CellTimers } from "./cell-timers.ts";
import type { ErasedContext, SpawnOptions } from "./context.ts";
import type { Message } from "./message.ts";
import { type AnyRef, type TerminationReason, WATCH } from "./ref.ts";
import type { ActorSystem } from "./system-types.ts";

export class CellContext implements ErasedContext {
  readonly #cell: Cell;
  readonly timers: CellTimers;
  readonly #watches = new Map<AnyRef, { unwatch: () => void }>();
  #log: Logger | null = null;
  #closed = false;

  constructor(cell: Cell) {
    this.#cell = cell;
    this.timers = new CellTimers(cell.host.clock, (message, tag) => cell.enqueue(message, tag));
  }

  get self(): CellRef {
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

  spawn(behavior: AnyBehavior, name: string, options?: SpawnOptions): CellRef {
    if (this.#closed) throw new CastellanError("ACTOR_STOPPED", `${this.path} has ended and starts no children`);
    return this.#cell.spawn(behavior, name, options?.mailbox);
  }

  stop(child: AnyRef): void {
    if (child instanceof CellRef && this.#cell.children.get(child.cell.name) === child.cell) child.cell.stop("stopped");
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
      const tag = { kind: "terminated", ref, reason, context: this } as const;
      this.#cell.enqueue(typeof message === "function" ? message(reason) : message, tag);
    });
  }

  unwatch(ref: AnyRef): void {
    this.#watches.get(ref)?.unwatch();
    this.#watches.delete(ref);
  }

  /** Whether the end of `ref` was still watched for; it is not any more. */
  forget(ref: AnyRef): boolean {
    return this.#watches.delete(ref);
  }

  pipeToSelf<T>(promise: Promise<T>, map: { ok(value: T): Message; failed(error: Error): Message }): void {
    const send = (make: () => Message): void => {
      if (this.#closed) {
        this.#cell.host.deadLetters.add(this.path, "(piped result)", "stale-result");
        return;
      }
      try {
        this.#cell.enqueue(make(), undefined);
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
  }
}
