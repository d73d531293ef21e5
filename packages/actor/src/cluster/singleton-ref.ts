/**
 * The ref of a singleton: sends to the holder of the highest epoch it knows, and holds what cannot be sent.
 *
 * 1. Messages leave in the order in which they came, except an ask that is sent again.
 * 2. Nothing is sent twice that may have been acted on.
 * 3. At most `capacity` messages wait, each until its deadline.
 */
import { CastellanError, type Clock, ensureError, type Timer } from "@castellan/kernel";
import type { SingletonRefOptions } from "../actor.ts";
import type { Settle } from "../ask/ask-table.ts";
import { DeadlineSweep } from "../ask/deadline-sweep.ts";
import { LinkDown, NotReachable, StaleEpoch } from "../errors.ts";
import type { Message } from "../message.ts";
import type { DeadLetterBox } from "../observe/dead-letters.ts";
import type { AskOptions, ErasedRef } from "../ref.ts";
import type { Claim } from "./epoch-port.ts";

export interface SingletonRefDeps {
  readonly path: string;
  readonly clock: Clock;
  readonly deadLetters: DeadLetterBox;
  /** A ref to the instance of that claim. */
  readonly connect: (claim: Claim) => HolderRef;
}

interface HolderRef extends ErasedRef {
  /** Whether the instance is there and takes messages of that epoch. Never rejects; within a second or so. */
  isTaken(): Promise<boolean>;
}

interface Waiting {
  readonly message: Message;
  readonly deadlineMs: number;
  /** Null for a told message. */
  readonly asker: Settle | null;
}

const CAPACITY = 1000;
const HOLD_MS = 10_000;
/** How long to leave a holder alone that is not there (yet), milliseconds. */
const RETRY_MS = 100;

export class FollowingRef implements ErasedRef {
  readonly path: string;
  readonly #deps: SingletonRefDeps;
  readonly #capacity: number;
  readonly #holdMs: number;
  readonly #unwatch: () => void;
  readonly #sweep: DeadlineSweep;
  #waiting: Waiting[] = [];
  #highest = 0;
  #holder: HolderRef | null = null;
  /** The holder was seen to be there, and nothing has been heard against it since. */
  #present = false;
  /** The holder whose answer to that is awaited. */
  #lookedAt: HolderRef | null = null;
  #pause: Timer | null = null;
  #closed = false;

  constructor(deps: SingletonRefDeps, options: SingletonRefOptions) {
    this.path = deps.path;
    this.#deps = deps;
    this.#capacity = options.capacity ?? CAPACITY;
    this.#holdMs = options.holdMs ?? HOLD_MS;
    this.#sweep = new DeadlineSweep(deps.clock, (nowMs) => this.#expire(nowMs));
    this.#unwatch = options.epochs.watch((claim) => this.#follow(claim));
  }

  tell(message: Message): void {
    if (this.#closed) this.#deps.deadLetters.add(this.path, message.type, "actor-stopped");
    else if (this.#ready) this.#holder?.tell(message);
    else this.#hold({ message, deadlineMs: this.#deps.clock.bootMs() + this.#holdMs, asker: null });
  }

  ask(message: Message, { timeoutMs }: AskOptions): Promise<never> {
    return new Promise<never>((resolve, reject) => {
      const asker: Settle = { resolve, reject };
      const waiting = { message, deadlineMs: this.#deps.clock.bootMs() + timeoutMs, asker };
      if (this.#closed) reject(new NotReachable(this.path, message.type, "this ref is closed"));
      else if (this.#ready) this.#send(waiting);
      else this.#hold(waiting);
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#unwatch();
    this.#pause?.cancel();
    this.#sweep.cancel();
    for (const waiting of this.#waiting) this.#giveUp(waiting, "this ref is closed");
    this.#waiting = [];
  }

  get #ready(): boolean {
    return this.#present && this.#waiting.length === 0;
  }

  #follow(claim: Claim | null): void {
    if (claim !== null && claim.epoch < this.#highest) return;
    this.#highest = claim?.epoch ?? this.#highest;
    this.#holder = claim === null ? null : this.#deps.connect(claim);
    this.#present = false;
    this.#pause?.cancel();
    this.#pause = null;
    this.#look();
  }

  /** Sends nothing to a holder before it is there: a claim is known sooner than the instance is started. */
  #look(): void {
    const holder = this.#holder;
    if (holder === null || this.#lookedAt === holder) return;
    this.#lookedAt = holder;
    holder.isTaken().then(
      (taken) => {
        if (this.#closed || this.#holder !== holder) return;
        this.#lookedAt = null;
        this.#present = taken;
        if (taken) this.#flush();
        else this.#lookLater();
      },
      () => this.#lookLater(),
    );
  }

  #lookLater(): void {
    this.#present = false;
    if (this.#closed) return;
    this.#pause ??= this.#deps.clock.after(RETRY_MS, () => {
      this.#pause = null;
      if (this.#waiting.length > 0) this.#look(); // else the next message looks
    });
  }

  #flush(): void {
    while (this.#holder !== null && this.#present) {
      const waiting = this.#waiting.shift();
      if (waiting === undefined) return;
      if (waiting.asker === null) this.#holder.tell(waiting.message);
      else this.#send(waiting);
    }
  }

  #send(waiting: Waiting): void {
    const { message, asker, deadlineMs } = waiting;
    const holder = this.#holder;
    const timeoutMs = deadlineMs - this.#deps.clock.bootMs();
    if (holder === null || asker === null) return;
    if (timeoutMs <= 0) {
      this.#giveUp(waiting, "nobody holds the epoch");
      return;
    }
    holder.ask(message, { timeoutMs }).then(
      (reply) => asker.resolve(reply),
      (thrown: unknown) => {
        if (this.#closed || !wasNotActedOn(thrown)) {
          asker.reject(ensureError(thrown));
          return;
        }
        this.#hold(waiting, true);
        if (this.#holder === holder) this.#lookLater();
        else this.#flush();
      },
    );
  }

  #hold(waiting: Waiting, again = false): void {
    const capacity = this.#capacity;
    const { path } = this;
    if (this.#waiting.length >= capacity) {
      const details = { type: waiting.message.type, capacity };
      const full = new CastellanError("MAILBOX_FULL", `${capacity} messages wait for a holder of ${path}`, {
        retryable: true,
        details,
      });
      if (waiting.asker === null) this.#deps.deadLetters.add(path, waiting.message.type, "mailbox-full");
      else waiting.asker.reject(full);
      return;
    }
    if (again) this.#waiting.unshift(waiting);
    else this.#waiting.push(waiting);
    this.#sweep.watch(waiting.deadlineMs);
    if (!this.#present && this.#pause === null) this.#look();
  }

  #expire(nowMs: number): number {
    const due = this.#waiting.filter(({ deadlineMs }) => deadlineMs <= nowMs);
    this.#waiting = this.#waiting.filter(({ deadlineMs }) => deadlineMs > nowMs);
    for (const waiting of due) this.#giveUp(waiting, "nobody holds the epoch");
    return Math.min(...this.#waiting.map(({ deadlineMs }) => deadlineMs), Number.POSITIVE_INFINITY);
  }

  #giveUp({ message, asker }: Waiting, why: string): void {
    if (asker === null) this.#deps.deadLetters.add(this.path, message.type, "no-such-actor");
    else asker.reject(new NotReachable(this.path, message.type, why));
  }
}

const wasNotActedOn = (thrown: unknown): boolean =>
  thrown instanceof NotReachable || thrown instanceof LinkDown || thrown instanceof StaleEpoch;
