/**
 * The behaviour in force in one actor: unwraps what the actor becomes until there are handlers, and hands them messages.
 * Knows nothing of mailboxes and of the actor's life; what it throws is for the cell to judge.
 */
import { CastellanError, type Clock } from "@castellan/kernel";
import {
  type AnyBehavior,
  type ErasedHandler,
  IMPL,
  type InterceptedActor,
  type Interceptor,
  type Next,
  type ReceiveImpl,
  type Signals,
} from "../actor.ts";
import type { Message, ReplyTo } from "../message.ts";
import type { Trace } from "../observe/trace.ts";
import type { SupervisionStrategy } from "../supervision.ts";
import { CellContext } from "./cell-context.ts";
import type { Owner } from "./cell-host.ts";
import { CellStash, type StashHome } from "./cell-stash.ts";
import type { Letter } from "./mailbox.ts";
import type { Tag } from "./tag.ts";

/** What a told message of an ask type is answered into. */
const NOBODY: ReplyTo<unknown> = { success: () => undefined, refuse: () => undefined };

export class Receiver implements InterceptedActor {
  readonly #owner: Owner;
  readonly #stashHome: StashHome;
  #context: CellContext | null = null;
  #current: ReceiveImpl | null = null;
  /** Around everything in this life; and around the present behaviour only. */
  #lasting: readonly Interceptor[] = [];
  #passing: readonly Interceptor[] = [];
  #stashes: CellStash[] = [];
  #hand: Letter<Tag> | undefined;
  /** The strategy that the actor was last wrapped in. */
  strategy: SupervisionStrategy | null = null;
  /** The message in hand went into a stash: whoever asked it is not to be answered yet. */
  kept = false;

  constructor(owner: Owner, stash: Omit<StashHome, "takeHand">) {
    this.#owner = owner;
    this.#stashHome = { ...stash, takeHand: () => this.#takeHand() };
  }

  get path(): string {
    return this.#owner.path;
  }
  get clock(): Clock {
    return this.#owner.host.clock;
  }
  get trace(): Trace | null {
    return this.#owner.host.tracer.current();
  }
  get signals(): Signals {
    return this.#current?.signals ?? {};
  }

  /** Starts a life. False when its first behaviour is to stop. */
  begin(behavior: AnyBehavior): boolean {
    this.#context = new CellContext(this.#owner);
    this.#hand = undefined;
    this.#lasting = [];
    const interceptors: Interceptor[] = [];
    const goesOn = this.#unwrap(behavior, interceptors);
    this.#lasting = interceptors;
    return goesOn;
  }

  /** False when that is to stop. */
  become(behavior: AnyBehavior): boolean {
    const interceptors: Interceptor[] = [];
    const goesOn = this.#unwrap(behavior, interceptors);
    if (goesOn) this.#passing = interceptors;
    return goesOn;
  }

  /** Ends a life, but for its `stopping`: nothing that it started arrives any more. Returns what its stashes hold. */
  end(): readonly Letter<Tag>[] {
    this.#context?.close();
    const kept = this.#stashes.flatMap((stash) => stash.empty());
    this.#stashes = [];
    return kept;
  }

  /** After `stopping`: no behaviour is in force. */
  clear(): void {
    this.#current = null;
    this.#passing = [];
    this.#hand = undefined;
  }

  invoke(message: Message, tag: Tag | undefined): Next<AnyBehavior> {
    if (tag?.kind === "timer" && this.#context?.timers.accept(tag) !== true) return undefined;
    if (tag?.kind === "terminated") {
      if (this.#context?.accepts(tag) !== true) return undefined;
      this.#current?.signals.terminated?.(tag.ref, tag.reason);
    }
    const handler = this.#current?.handlers[message.type];
    if (handler === undefined) return this.#unhandled(message, tag);
    const replyTo = tag?.kind === "ask" ? tag : NOBODY;
    if (this.#stashes.length > 0) {
      this.#hand = { message, tag };
      this.kept = false;
    }
    if (this.#lasting.length === 0 && this.#passing.length === 0) return handler(message, replyTo);
    return this.#around(handler, message, replyTo);
  }

  #around(handler: ErasedHandler, message: Message, replyTo: ReplyTo<unknown>): Next<AnyBehavior> {
    const all = [...this.#lasting, ...this.#passing];
    const from = (at: number): Next<AnyBehavior> => {
      const interceptor = all[at];
      if (interceptor === undefined) return handler(message, replyTo);
      return interceptor.receive(message, () => from(at + 1), this);
    };
    return from(0);
  }

  #unhandled(message: Message, tag: Tag | undefined): undefined {
    const { deadLetters } = this.#owner.host;
    if (tag?.kind === "event") deadLetters.addEvent(this.path, message.type, "no-handler");
    else deadLetters.add(this.path, message.type, "no-handler");
    if (tag?.kind === "ask") {
      tag.refuse(new CastellanError("NO_HANDLER", `${this.path} has no handler for ${message.type}`));
    }
  }

  #unwrap(behavior: AnyBehavior, interceptors: Interceptor[]): boolean {
    let impl = behavior[IMPL];
    let strategy: SupervisionStrategy | null = null;
    for (;;) {
      switch (impl.kind) {
        case "receive":
          this.#current = impl;
          return true;
        case "stopped":
          return false;
        case "supervise":
          if (strategy === null) this.strategy = impl.strategy; // at once: a factory that throws is supervised too
          strategy ??= impl.strategy;
          impl = impl.behavior[IMPL];
          break;
        case "intercept":
          interceptors.push(impl.interceptor);
          impl = impl.behavior[IMPL];
          break;
        case "stash": {
          const stash = new CellStash(this.#stashHome, impl.capacity);
          this.#stashes.push(stash);
          impl = impl.factory(stash)[IMPL];
          break;
        }
        case "setup":
          if (this.#context === null) return false;
          impl = impl.factory(this.#context)[IMPL];
      }
    }
  }

  #takeHand(): Letter<Tag> | undefined {
    const hand = this.#hand;
    this.#hand = undefined;
    this.kept = hand !== undefined;
    return hand;
  }
}
