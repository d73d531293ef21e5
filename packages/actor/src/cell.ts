/**
 * One actor at run time: its mailbox, its behaviour, its children, its life.
 *
 *     starting -> running <-> busy (a handler's promise is pending)
 *        ^           |
 *        |           v  a handler threw, and the strategy says so
 *     restarting <---+---> stopping -> stopped
 *
 * 1. One message is in hand at a time, a pending promise included.
 * 2. Children are gone before their parent's `stopping` runs, the youngest first.
 * 3. Nothing of an earlier life reaches a later one: timers, watches, piped results and late handlers are dropped.
 * 4. Every ask that cannot be answered any more is refused, except one whose `ReplyTo` a handler has kept.
 */
import { backoffMs, CastellanError, ensureError, type Timer } from "@castellan/kernel";
import { fullError, goneError } from "./ask-table.ts";
import { type AnyBehavior, IMPL, type Next, type ReceiveImpl } from "./behavior.ts";
import { CellContext } from "./cell-context.ts";
import { callStopping, stopYoungestFirst } from "./cell-end.ts";
import type { CellHost } from "./cell-host.ts";
import { CellRef } from "./cell-ref.ts";
import type { TimerTag } from "./cell-timers.ts";
import type { Runnable } from "./dispatcher.ts";
import { Mailbox, type MailboxOptions } from "./mailbox.ts";
import type { Message, ReplyTo } from "./message.ts";
import type { AnyRef, AskSlot, TerminationReason } from "./ref.ts";
import { decideFailure, escalate, type RestartHistory, type SupervisionStrategy } from "./supervision.ts";
import type { ActorNode, ActorState } from "./system-types.ts";

/** Mailbox tag of a watched actor's end. */
interface TerminatedTag {
  readonly kind: "terminated";
  readonly ref: AnyRef;
  readonly reason: TerminationReason;
  /** The life that watched. */
  readonly context: CellContext;
}

/** How a message came; a plain tell has no tag. */
type Tag = AskSlot | TimerTag | TerminatedTag;

/** What a told message of an ask type is answered into. */
const NOBODY: ReplyTo<unknown> = { success: () => undefined, refuse: () => undefined };

const NAME = /^[A-Za-z0-9_.-]{1,128}$/;

export class Cell implements Runnable {
  readonly path: string;
  readonly name: string;
  readonly host: CellHost;
  readonly ref: CellRef;
  readonly children = new Map<string, Cell>();
  readonly #parent: Cell | null;
  readonly #behavior: AnyBehavior;
  readonly #mailbox: Mailbox<Tag>;
  readonly #watchers = new Set<(reason: TerminationReason) => void>();
  #state: ActorState = "starting";
  #strategy: SupervisionStrategy | null = null;
  #history: RestartHistory = [];
  #restarts = 0;
  #current: ReceiveImpl | null = null;
  #context: CellContext | null = null;
  /** The promise of the handler in hand. */
  #awaited: Promise<unknown> | null = null;
  /** What must happen before the next message: asked for while a message was in hand. */
  #urgent: (() => void)[] = [];
  #scheduled = false;
  #inTurn = false;
  #timer: Timer | null = null;
  #endReason: TerminationReason = "stopped";

  constructor(host: CellHost, parent: Cell | null, path: string, behavior: AnyBehavior, mailbox?: MailboxOptions) {
    this.host = host;
    this.#parent = parent;
    this.path = path;
    this.name = path.slice(path.lastIndexOf("/") + 1);
    this.#behavior = behavior;
    this.#mailbox = new Mailbox(mailbox);
    this.ref = new CellRef(this);
    this.#schedule();
  }

  // -- messages in ---------------------------------------------------------------------------------------------------

  accept(message: Message, tag: AskSlot | undefined): void {
    if (this.#state === "stopping" || this.#state === "stopped") this.#undeliverable(message, tag);
    else if (this.#mailbox.offer(message, tag)) this.#schedule();
    else if (tag === undefined) this.host.deadLetters.add(this.path, message.type, "mailbox-full");
    else tag.undelivered(fullError(this.path, message.type, this.#mailbox.capacity));
  }

  /** A message of the runtime itself: not bounded. */
  enqueue(message: Message, tag: Tag | undefined): void {
    if (this.#state === "stopping" || this.#state === "stopped") return;
    this.#mailbox.force(message, tag);
    this.#schedule();
  }

  run(budget: number): number {
    this.#scheduled = false;
    this.#inTurn = true;
    let handled = 0;
    if (this.#state === "starting" && this.#urgent.length === 0) this.#start();
    while (this.#state === "running") {
      if (this.#urgent.length > 0) break;
      if (handled === budget) break;
      const message = this.#mailbox.take();
      if (message === undefined) break;
      handled += 1;
      this.#handle(message, this.#mailbox.tag);
    }
    this.#inTurn = false;
    this.#runUrgent();
    this.#schedule();
    return handled;
  }

  #schedule(): void {
    if (this.#scheduled || this.#inTurn) return;
    const due = this.#state === "running" ? this.#mailbox.size > 0 : this.#state === "starting";
    if (!due) return;
    this.#scheduled = true;
    this.host.dispatcher.schedule(this);
  }

  #handle(message: Message, tag: Tag | undefined): void {
    try {
      const next = this.#invoke(message, tag);
      if (next === undefined) return;
      if (next instanceof Promise) this.#await(next, tag);
      else this.#become(next);
    } catch (thrown) {
      this.#fail(ensureError(thrown), tag);
    }
  }

  #invoke(message: Message, tag: Tag | undefined): Next<AnyBehavior> {
    const current = this.#current;
    if (tag?.kind === "timer" && this.#context?.timers.accept(tag) !== true) return undefined;
    if (tag?.kind === "terminated") {
      if (tag.context !== this.#context || !tag.context.forget(tag.ref)) return undefined;
      current?.signals.terminated?.(tag.ref, tag.reason);
    }
    const handler = current?.handlers[message.type];
    if (handler === undefined) {
      this.host.deadLetters.add(this.path, message.type, "no-handler");
      if (tag?.kind === "ask") {
        tag.refuse(new CastellanError("NO_HANDLER", `${this.path} has no handler for ${message.type}`));
      }
      return undefined;
    }
    return handler(message, tag?.kind === "ask" ? tag : NOBODY);
  }

  #await(pending: Promise<AnyBehavior | void>, tag: Tag | undefined): void {
    this.#state = "busy";
    this.#awaited = pending;
    // Once the actor has moved on (stopped with the promise pending), its outcome concerns nobody.
    const finish = (act: () => void): void => {
      if (this.#awaited !== pending || this.#state !== "busy") return;
      this.#awaited = null;
      this.#state = "running";
      act();
      this.#runUrgent();
      this.#schedule();
    };
    pending.then(
      (next) => finish(() => this.#guarded(() => this.#become(next ?? undefined), tag)),
      (thrown: unknown) => finish(() => this.#fail(ensureError(thrown), tag)),
    );
  }

  #guarded(act: () => void, tag: Tag | undefined): void {
    try {
      act();
    } catch (thrown) {
      this.#fail(ensureError(thrown), tag);
    }
  }

  // -- behaviour -----------------------------------------------------------------------------------------------------

  #start(): void {
    this.#context = new CellContext(this);
    this.#state = "running";
    this.#guarded(() => this.#become(this.#behavior), undefined);
  }

  /** Unwraps until there are handlers. */
  #become(behavior: AnyBehavior | undefined): void {
    let impl = behavior?.[IMPL];
    let strategy: SupervisionStrategy | null = null;
    while (impl !== undefined && this.#context !== null) {
      if (impl.kind === "receive") {
        this.#current = impl;
        break;
      }
      if (impl.kind === "stopped") {
        this.stop("stopped");
        break;
      }
      if (impl.kind === "supervise") {
        strategy ??= impl.strategy;
        impl = impl.behavior[IMPL];
      } else {
        if (strategy !== null) this.#strategy = strategy; // a factory that throws is supervised too
        impl = impl.factory(this.#context)[IMPL];
      }
    }
    if (strategy !== null) this.#strategy = strategy;
  }

  // -- failure -------------------------------------------------------------------------------------------------------

  /** A failure that no message brought: a child failed for good, or a piped result could not be mapped. */
  defect(error: Error, path: string = this.path): void {
    this.#soon(() => this.#fail(error, undefined, path));
  }

  #fail(error: Error, tag: Tag | undefined, origin: string = this.path): void {
    if (tag?.kind === "ask") tag.defect(error);
    if (this.#state === "stopping" || this.#state === "stopped" || this.#state === "restarting") return;
    if (this.#parent === null) {
      this.host.rootFailed(error, origin);
      return;
    }
    const decided = decideFailure(this.#strategy ?? escalate(), this.#history, this.host.clock.bootMs());
    this.#history = decided.history;
    const { verdict } = decided;
    this.host.logger.error("actor failed", { actor: this.path, error, action: verdict.action });
    if (verdict.action === "resume") return;
    if (verdict.action === "restart") {
      const { backoff, stopChildren } = verdict.options;
      const delayMs = backoff === undefined ? 0 : backoffMs(backoff, verdict.attempt, this.host.rng);
      this.#restart(delayMs, stopChildren ?? true);
      return;
    }
    const parent = this.#parent;
    this.stop("failed", verdict.action === "escalate" ? () => parent.defect(error, origin) : undefined);
  }

  #restart(delayMs: number, stopChildren: boolean): void {
    this.#state = "restarting";
    this.#restarts += 1;
    this.#context?.close();
    const again = (): void => {
      if (this.#state !== "restarting") return;
      this.#timer = null;
      this.#current = null;
      this.#state = "starting";
      this.#schedule();
    };
    const finish = (): void => {
      if (this.#state !== "restarting") return;
      if (delayMs <= 0) again();
      else this.#timer = this.host.clock.after(delayMs, again);
    };
    const signal = (): void => {
      if (this.#state === "restarting") this.#signalStopping("restarting", finish);
    };
    if (stopChildren) stopYoungestFirst([...this.children.values()], signal);
    else signal();
  }

  // -- the end -------------------------------------------------------------------------------------------------------

  /** Ends the actor after the message in hand. `onEnd` is called once it is gone, at once if it is. */
  stop(reason: TerminationReason, onEnd?: () => void): void {
    if (this.#state === "stopped") {
      onEnd?.();
      return;
    }
    if (onEnd !== undefined) this.#watchers.add(onEnd);
    if (this.#state === "stopping") return;
    if (this.#inTurn || this.#state === "busy") {
      this.#soon(() => this.stop(reason));
      if (this.#state === "busy") this.#hurry();
      return;
    }
    this.#state = "stopping";
    this.#endReason = reason;
    this.#timer?.cancel();
    this.#context?.close();
    stopYoungestFirst([...this.children.values()], () => this.#signalStopping("stopped", () => this.#terminate()));
  }

  /** Gives up waiting: the actor and its children are gone now, whatever their handlers still do. */
  abandon(): void {
    for (const child of [...this.children.values()].reverse()) child.abandon();
    this.#timer?.cancel();
    this.#context?.close();
    this.#terminate();
  }

  /** Runs `act` between two messages: now if none is in hand. */
  #soon(act: () => void): void {
    if (this.#inTurn || this.#state === "busy") this.#urgent.push(act);
    else act();
  }

  #runUrgent(): void {
    if (this.#urgent.length === 0 || this.#state === "busy") return;
    this.#timer?.cancel();
    this.#timer = null;
    const urgent = this.#urgent;
    this.#urgent = [];
    for (const act of urgent) act();
  }

  /** A handler that does not end is left behind in time, so that the actor can. */
  #hurry(): void {
    this.#timer ??= this.host.clock.after(this.host.actorStopMs, () => {
      this.#timer = null;
      if (this.#state !== "busy") return;
      this.host.logger.error("actor's handler did not end in time and is left behind", { actor: this.path });
      this.#awaited = null;
      this.#state = "running";
      this.#runUrgent();
    });
  }

  #signalStopping(why: "stopped" | "restarting", done: () => void): void {
    const { clock, actorStopMs, logger } = this.host;
    const stopping = this.#current?.signals.stopping;
    this.#current = null;
    const timer = callStopping(stopping, why, clock, actorStopMs, (problem) => {
      this.#timer = null;
      if (problem !== undefined) {
        logger.error("actor's stopping signal failed", { actor: this.path, error: problem });
      }
      done();
    });
    if (timer !== null) this.#timer = timer;
  }

  #terminate(): void {
    if (this.#state === "stopped") return;
    this.#state = "stopped";
    this.#current = null;
    this.#urgent = [];
    for (let message = this.#mailbox.take(); message !== undefined; message = this.#mailbox.take()) {
      this.#undeliverable(message, this.#mailbox.tag);
    }
    if (this.#parent?.children.get(this.name) === this) this.#parent.children.delete(this.name);
    const watchers = [...this.#watchers];
    this.#watchers.clear();
    for (const watcher of watchers) watcher(this.#endReason);
  }

  #undeliverable(message: Message, tag: Tag | undefined): void {
    if (tag === undefined) this.host.deadLetters.add(this.path, message.type, "actor-stopped");
    else if (tag.kind === "ask") tag.undelivered(goneError(this.path, message.type));
  }

  // -- family --------------------------------------------------------------------------------------------------------

  spawn(behavior: AnyBehavior, name: string, mailbox?: MailboxOptions): CellRef {
    if (!NAME.test(name)) throw new CastellanError("BAD_NAME", `"${name}" is not an actor name`);
    if (this.children.has(name)) {
      throw new CastellanError("NAME_TAKEN", `${this.path}/${name} lives already`, { details: { name } });
    }
    if (this.#state === "stopping" || this.#state === "stopped") {
      throw new CastellanError("ACTOR_STOPPED", `${this.path} is stopping and starts no children`);
    }
    const child = new Cell(this.host, this, `${this.path}/${name}`, behavior, mailbox);
    this.children.set(name, child);
    return child.ref;
  }

  /** Calls back once when the actor is gone, at once if it is. */
  watch(listener: (reason: TerminationReason) => void): () => void {
    if (this.#state === "stopped") {
      listener(this.#endReason);
      return () => undefined;
    }
    this.#watchers.add(listener);
    return () => this.#watchers.delete(listener);
  }

  node(): ActorNode {
    return {
      path: this.path,
      state: this.#state,
      restarts: this.#restarts,
      mailbox: this.#mailbox.size,
      children: [...this.children.values()].map((child) => child.node()),
    };
  }
}
