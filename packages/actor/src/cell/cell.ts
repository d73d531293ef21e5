/**
 * One actor at run time: takes messages in and gives them their turns. Its behaviour is in `receiver.ts`, its bounds in
 * `inbox.ts`, its life in `life.ts`.
 *
 * 1. One message is in hand at a time, a pending promise included.
 * 2. Every ask that cannot be answered any more is refused, except one whose `ReplyTo` a handler has kept.
 */
import { CastellanError, ensureError } from "@castellan/kernel";
import type { AnyBehavior, SpawnOptions } from "../actor.ts";
import type { Message } from "../message.ts";
import type { ActorNode } from "../observe/report.ts";
import type { Trace } from "../observe/trace.ts";
import type { AnyRef, AskSlot, ErasedRef, TerminationReason } from "../ref.ts";
import type { CellHost, Owner, Target } from "./cell-host.ts";
import { CellRef } from "./cell-ref.ts";
import type { Runnable } from "./dispatcher.ts";
import { Family } from "./family.ts";
import { Inbox } from "./inbox.ts";
import { type Body, Life } from "./life.ts";
import { Receiver } from "./receiver.ts";
import type { Tag } from "./tag.ts";

export class Cell implements Runnable, Owner, Target, Body {
  readonly path: string;
  readonly name: string;
  readonly kind: string;
  readonly stopMs: number;
  readonly host: CellHost;
  readonly parent: Cell | null;
  readonly children = new Family<Cell>();
  readonly ref: ErasedRef;
  readonly inbox: Inbox;
  readonly receiver: Receiver;
  readonly #life: Life;
  readonly #behavior: AnyBehavior;
  /** The trace in which it was spawned: every life begins in it. */
  readonly #birthTrace: Trace | null;
  /** The promise of the handler in hand. */
  #awaited: Promise<unknown> | null = null;
  #scheduled = false;
  #processed = 0;
  inTurn = false;

  constructor(host: CellHost, parent: Cell | null, path: string, behavior: AnyBehavior, options: SpawnOptions = {}) {
    this.host = host;
    this.parent = parent;
    this.path = path;
    this.name = path.slice(path.lastIndexOf("/") + 1);
    this.kind = options.kind ?? this.name;
    this.stopMs = options.stopMs ?? host.actorStopMs;
    this.ref = new CellRef(this);
    this.inbox = new Inbox(path, host.deadLetters, options.mailbox);
    this.receiver = new Receiver(this, {
      refuse: (letter, capacity) => this.inbox.refuseStashed(letter, capacity),
      giveBack: (letters) => {
        this.inbox.giveBack(letters);
        this.schedule();
      },
    });
    this.#behavior = behavior;
    this.#birthTrace = host.tracer.current();
    this.#life = new Life(this);
    this.schedule();
  }

  // -- messages in ---------------------------------------------------------------------------------------------------

  accept(message: Message, slot: AskSlot | undefined): void {
    const { tracer } = this.host;
    if (slot !== undefined || !tracer.active) {
      this.#take(message, slot);
      return;
    }
    const trace = tracer.current();
    this.#take(message, trace === null ? undefined : { kind: "told", trace });
  }

  hear(message: Message): void {
    this.#take(message, { kind: "event", trace: this.host.tracer.current() });
  }

  enqueue(message: Message, tag: Tag): void {
    if (this.#life.isOver) return;
    this.inbox.mailbox.force(message, tag);
    this.schedule();
  }

  #take(message: Message, tag: Tag | undefined): void {
    if (this.#life.isOver) {
      this.inbox.refuse(message, tag);
      return;
    }
    this.inbox.add(message, tag);
    this.schedule();
  }

  // -- turns ---------------------------------------------------------------------------------------------------------

  schedule(): void {
    if (this.#scheduled || this.inTurn) return;
    const { state } = this.#life;
    const due = state === "running" ? this.inbox.mailbox.size > 0 : state === "starting";
    if (!due) return;
    this.#scheduled = true;
    this.host.dispatcher.schedule(this);
  }

  run(budget: number): number {
    this.#scheduled = false;
    this.inTurn = true;
    const life = this.#life;
    const { mailbox } = this.inbox;
    let handled = 0;
    if (life.state === "starting" && !life.isUrgent) this.#start();
    while (life.state === "running") {
      if (life.isUrgent) break;
      if (handled === budget) break;
      const message = mailbox.take();
      if (message === undefined) break;
      handled += 1;
      this.#handle(message, mailbox.tag);
    }
    this.#processed += handled;
    this.inTurn = false;
    life.runUrgent();
    this.schedule();
    return handled;
  }

  #start(): void {
    this.#life.enter("running");
    try {
      const goesOn = this.host.tracer.enter(this.#birthTrace, () => this.receiver.begin(this.#behavior));
      if (!goesOn) this.stop("stopped");
    } catch (thrown) {
      this.#life.fail(ensureError(thrown), undefined);
    }
  }

  #handle(message: Message, tag: Tag | undefined): void {
    try {
      const { tracer } = this.host;
      const next = tracer.active
        ? tracer.enter(tag?.trace ?? null, () => this.receiver.invoke(message, tag))
        : this.receiver.invoke(message, tag);
      if (next === undefined) return;
      if (next instanceof Promise) this.#await(next, tag);
      else this.#become(next);
    } catch (thrown) {
      this.#life.fail(ensureError(thrown), this.#asker(tag));
    }
  }

  #await(pending: Promise<AnyBehavior | void>, tag: Tag | undefined): void {
    this.#life.enter("busy");
    this.#awaited = pending;
    // Once the actor has moved on (stopped with the promise pending), its outcome concerns nobody.
    const finish = (act: () => void): void => {
      if (this.#awaited !== pending || this.#life.state !== "busy") return;
      this.#awaited = null;
      this.#life.enter("running");
      try {
        act();
      } catch (thrown) {
        this.#life.fail(ensureError(thrown), this.#asker(tag));
      }
      this.#life.runUrgent();
      this.schedule();
    };
    pending.then(
      (become) => finish(() => this.#become(become)),
      (thrown: unknown) => finish(() => this.#life.fail(ensureError(thrown), this.#asker(tag))),
    );
  }

  #become(behavior: AnyBehavior | void): void {
    if (behavior !== undefined && !this.receiver.become(behavior)) this.stop("stopped");
  }

  /** Who is to hear that the handler broke; nobody if the message waits in a stash. */
  #asker(tag: Tag | undefined): AskSlot | undefined {
    return tag?.kind === "ask" && !this.receiver.kept ? tag : undefined;
  }

  letGo(): void {
    this.#awaited = null;
  }

  // -- life ----------------------------------------------------------------------------------------------------------

  defect(error: Error, origin: string = this.path): void {
    this.#life.soon(() => this.#life.fail(error, undefined, origin));
  }

  stop(reason: TerminationReason, onEnd?: () => void): void {
    this.#life.stop(reason, onEnd);
  }

  abandon(): void {
    this.#life.abandon();
  }

  watch(listener: (reason: TerminationReason) => void): () => void {
    return this.#life.watch(listener);
  }

  leave(): void {
    this.parent?.children.remove(this);
  }

  spawn(behavior: AnyBehavior, name: string, options?: SpawnOptions): ErasedRef {
    this.children.admit(this.path, name);
    if (this.#life.isOver) {
      throw new CastellanError("ACTOR_STOPPED", `${this.path} is stopping and starts no children`);
    }
    const child = new Cell(this.host, this, `${this.path}/${name}`, behavior, options);
    this.children.add(child);
    return child.ref;
  }

  stopChild(child: AnyRef): void {
    this.children.find(child)?.stop("stopped");
  }

  node(): ActorNode {
    const { mailbox, dropped } = this.inbox;
    return {
      path: this.path,
      kind: this.kind,
      state: this.#life.state,
      stateMs: Math.max(0, Math.round(this.host.clock.bootMs() - this.#life.sinceMs)),
      restarts: this.#life.restarts,
      mailbox: mailbox.size,
      highWater: mailbox.highWater,
      dropped,
      processed: this.#processed,
      children: this.children.members().map((child) => child.node()),
    };
  }
}
