/**
 * The life of one actor: from its start over failures and restarts to its end.
 *
 *     starting -> running <-> busy (a handler's promise is pending)
 *        ^           |
 *        |           v  a handler threw, and the strategy says so
 *     restarting <---+---> stopping -> stopped
 *
 * 1. Children are gone before their parent's `stopping` runs, the youngest first.
 * 2. Nothing of an earlier life reaches a later one: timers, watches, piped results and late handlers are dropped.
 * 3. What ends or restarts the actor waits for the message in hand, and goes before the next one.
 * 4. Every wait on the way to the end has a deadline.
 */
import { backoffMs, type Timer } from "@castellan/kernel";
import type { ActorState } from "../observe/report.ts";
import { topics } from "../observe/topics.ts";
import type { AskSlot, TerminationReason } from "../ref.ts";
import { decideFailure, escalate, type RestartHistory } from "../supervision.ts";
import type { CellHost } from "./cell-host.ts";
import { callStopping } from "./ending.ts";
import type { Child, Family } from "./family.ts";
import type { Inbox } from "./inbox.ts";
import type { Receiver } from "./receiver.ts";

/** The cell whose life it is. */
export interface Body {
  readonly path: string;
  readonly host: CellHost;
  readonly inbox: Inbox;
  readonly receiver: Receiver;
  readonly children: Family<Child>;
  /** How long the actor may hold up its end, milliseconds. */
  readonly stopMs: number;
  /** A handler runs now (its promise is not waited for here: that is the state `busy`). */
  readonly inTurn: boolean;
  /** Null for the root of the system. */
  readonly parent: { defect(error: Error, origin: string): void } | null;
  /** Asks for a turn if there is something to do. */
  schedule(): void;
  /** Forgets the handler in hand: its promise concerns nobody any more. */
  letGo(): void;
  /** The actor is gone. */
  leave(): void;
}

export class Life {
  readonly #body: Body;
  readonly #watchers = new Set<(reason: TerminationReason) => void>();
  state: ActorState = "starting";
  sinceMs: number;
  restarts = 0;
  #history: RestartHistory = [];
  #urgent: (() => void)[] = [];
  #timer: Timer | null = null;
  #endReason: TerminationReason = "stopped";

  constructor(body: Body) {
    this.#body = body;
    this.sinceMs = body.host.clock.bootMs();
  }

  /** It takes no messages any more. */
  get isOver(): boolean {
    return this.state === "stopping" || this.state === "stopped";
  }

  /** Something is to be done before the next message. */
  get isUrgent(): boolean {
    return this.#urgent.length > 0;
  }

  enter(state: ActorState): void {
    this.state = state;
    this.sinceMs = this.#body.host.clock.bootMs();
  }

  /** Runs `act` between two messages: now if none is in hand. */
  soon(act: () => void): void {
    if (this.#body.inTurn || this.state === "busy") this.#urgent.push(act);
    else act();
  }

  runUrgent(): void {
    if (this.#urgent.length === 0 || this.state === "busy") return;
    this.#timer?.cancel();
    this.#timer = null;
    const urgent = this.#urgent;
    this.#urgent = [];
    for (const act of urgent) act();
  }

  /** `asker` is who waits for an answer of the handler that broke; `origin` the actor in which it began. */
  fail(error: Error, asker: AskSlot | undefined, origin: string = this.#body.path): void {
    const { host, parent, path, receiver } = this.#body;
    asker?.defect(error);
    if (this.isOver || this.state === "restarting") return;
    if (parent === null) {
      host.rootFailed(error, origin);
      return;
    }
    const decided = decideFailure(receiver.strategy ?? escalate(), this.#history, host.clock.bootMs());
    this.#history = decided.history;
    const { verdict } = decided;
    host.logger.error("actor failed", { actor: path, error, action: verdict.action });
    if (verdict.action === "resume") return;
    if (verdict.action === "restart") {
      const { backoff, stopChildren } = verdict.options;
      const delayMs = backoff === undefined ? 0 : backoffMs(backoff, verdict.attempt, host.rng);
      this.#restart(error, delayMs, stopChildren ?? true);
      return;
    }
    this.stop("failed", verdict.action === "escalate" ? () => parent.defect(error, origin) : undefined);
  }

  /** Ends the actor after the message in hand. `onEnd` is called once it is gone, at once if it is. */
  stop(reason: TerminationReason, onEnd?: () => void): void {
    if (this.state === "stopped") {
      onEnd?.();
      return;
    }
    if (onEnd !== undefined) this.#watchers.add(onEnd);
    if (this.state === "stopping") return;
    if (this.#body.inTurn || this.state === "busy") {
      this.soon(() => this.stop(reason));
      if (this.state === "busy") this.#hurry();
      return;
    }
    this.enter("stopping");
    this.#endReason = reason;
    this.#close();
    this.#body.children.stopYoungestFirst(() => this.#callStopping("stopped", () => this.#end()));
  }

  /** Gives up waiting: the actor and its children are gone now, whatever their handlers still do. */
  abandon(): void {
    for (const child of this.#body.children.members().reverse()) child.abandon();
    this.#close();
    this.#end();
  }

  /** Calls back once when the actor is gone, at once if it is. */
  watch(listener: (reason: TerminationReason) => void): () => void {
    if (this.state === "stopped") {
      listener(this.#endReason);
      return () => undefined;
    }
    this.#watchers.add(listener);
    return () => this.#watchers.delete(listener);
  }

  #restart(error: Error, delayMs: number, stopChildren: boolean): void {
    const { host, path, children } = this.#body;
    this.enter("restarting");
    this.restarts += 1;
    this.#close();
    const again = (): void => {
      if (this.state !== "restarting") return;
      this.#timer = null;
      this.enter("starting");
      this.#body.schedule();
    };
    const finish = (): void => {
      if (this.state !== "restarting") return;
      host.system.events.publish(topics.actorRestarted, { path, restarts: this.restarts, error });
      if (delayMs <= 0) again();
      else this.#timer = host.clock.after(delayMs, again);
    };
    const signal = (): void => {
      if (this.state === "restarting") this.#callStopping("restarting", finish);
    };
    if (stopChildren) children.stopYoungestFirst(signal);
    else signal();
  }

  /** Nothing that this life has started arrives any more; what it had put aside goes back to the mailbox. */
  #close(): void {
    this.#timer?.cancel();
    this.#body.inbox.giveBack(this.#body.receiver.end());
  }

  #callStopping(why: "stopped" | "restarting", done: () => void): void {
    const { host, path, receiver, stopMs } = this.#body;
    const { stopping } = receiver.signals;
    receiver.clear();
    const timer = callStopping(stopping, why, host.clock, stopMs, (problem) => {
      this.#timer = null;
      if (problem !== undefined) host.logger.error("actor's stopping signal failed", { actor: path, error: problem });
      done();
    });
    if (timer !== null) this.#timer = timer;
  }

  /** A handler that does not end is left behind in time, so that the actor can. */
  #hurry(): void {
    const { host, path, stopMs } = this.#body;
    this.#timer ??= host.clock.after(stopMs, () => {
      this.#timer = null;
      if (this.state !== "busy") return;
      host.logger.error("actor's handler did not end in time and is left behind", { actor: path });
      this.#body.letGo();
      this.enter("running");
      this.runUrgent();
    });
  }

  #end(): void {
    if (this.state === "stopped") return;
    const { host, inbox, path, receiver } = this.#body;
    this.enter("stopped");
    receiver.clear();
    this.#urgent = [];
    inbox.refuseAll();
    this.#body.leave();
    const watchers = [...this.#watchers];
    this.#watchers.clear();
    host.system.events.publish(topics.actorStopped, { path, reason: this.#endReason });
    for (const watcher of watchers) watcher(this.#endReason);
  }
}
