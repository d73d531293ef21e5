/**
 * A bounded queue in a ring: no shifting, no allocation per message. Each place holds a message and a tag that says
 * how it came (see `tag.ts`); a plain tell has no tag.
 *
 * 1. `size` never exceeds `capacity`, except by what `force` and `giveBack` put in (what is the runtime's, or was in already).
 * 2. Order out is order in; what is given back comes first.
 */
import type { Message } from "../message.ts";

/**
 * What happens to a message for which there is no room. An ask that is not kept is refused with MAILBOX_FULL under every
 * policy; the messages of the runtime (timers, watches, piped results) are always kept.
 *
 * - `dead-letter`: the newest is a dead letter: it should not have happened, somebody should hear of it
 * - `drop-new`, `drop-old`: the newest or the oldest is gone, and only counted: for readings of which some may be missed
 * - `fail`: a local `tell` throws MAILBOX_FULL at its sender; one from elsewhere is a dead letter and, if its sender waits
 *   for a receipt, refused
 */
export type Overflow = "dead-letter" | "drop-new" | "drop-old" | "fail";

export interface MailboxOptions {
  /** The most messages that wait. Default 10,000. */
  readonly capacity?: number;
  /** Default `dead-letter`. */
  readonly overflow?: Overflow;
}

export const DEFAULT_CAPACITY = 10_000;

/** A message that is not in the mailbox, with how it came. */
export interface Letter<Tag> {
  readonly message: Message;
  readonly tag: Tag | undefined;
}

export class Mailbox<Tag> {
  readonly capacity: number;
  readonly overflow: Overflow;
  #messages: (Message | undefined)[] = Array.from({ length: 16 });
  #tags: (Tag | undefined)[] = Array.from({ length: 16 });
  #head = 0;
  #size = 0;
  /** The most that have ever waited. */
  highWater = 0;
  /** The tag of the message that `take` returned last. */
  tag: Tag | undefined;

  constructor(options: MailboxOptions = {}) {
    this.capacity = options.capacity ?? DEFAULT_CAPACITY;
    this.overflow = options.overflow ?? "dead-letter";
  }

  get size(): number {
    return this.#size;
  }

  /** False, and nothing kept, when full. */
  offer(message: Message, tag: Tag | undefined): boolean {
    if (this.#size >= this.capacity) return false;
    this.force(message, tag);
    return true;
  }

  /** Takes it in whatever the bound says. */
  force(message: Message, tag: Tag | undefined): void {
    if (this.#size === this.#messages.length) this.#grow();
    const at = (this.#head + this.#size) & (this.#messages.length - 1);
    this.#messages[at] = message;
    this.#tags[at] = tag;
    this.#size += 1;
    if (this.#size > this.highWater) this.highWater = this.#size;
  }

  /** The oldest message, or undefined when empty; its tag is then in `tag`. */
  take(): Message | undefined {
    if (this.#size === 0) return undefined;
    const at = this.#head;
    const message = this.#messages[at];
    this.tag = this.#tags[at];
    this.#messages[at] = undefined;
    this.#tags[at] = undefined;
    this.#head = (at + 1) & (this.#messages.length - 1);
    this.#size -= 1;
    return message;
  }

  /** Puts letters in front of all others, in their own order, whatever the bound says. */
  giveBack(letters: readonly Letter<Tag>[]): void {
    for (const { message, tag } of [...letters].reverse()) {
      if (this.#size === this.#messages.length) this.#grow();
      this.#head = (this.#head - 1) & (this.#messages.length - 1);
      this.#messages[this.#head] = message;
      this.#tags[this.#head] = tag;
      this.#size += 1;
    }
    if (this.#size > this.highWater) this.highWater = this.#size;
  }

  /** Takes out the oldest letter that `mayGo`; those before it keep their order. Undefined when none may. */
  evict(mayGo: (tag: Tag | undefined) => boolean): Letter<Tag> | undefined {
    const mask = this.#messages.length - 1;
    for (let n = 0; n < this.#size; n += 1) {
      const at = (this.#head + n) & mask;
      const message = this.#messages[at];
      const tag = this.#tags[at];
      if (message === undefined || !mayGo(tag)) continue;
      const before: Letter<Tag>[] = [];
      const { tag: last } = this;
      for (let m = 0; m < n; m += 1) {
        const kept = this.take();
        if (kept !== undefined) before.push({ message: kept, tag: this.tag });
      }
      this.take();
      this.tag = last;
      this.giveBack(before);
      return { message, tag };
    }
    return undefined;
  }

  #grow(): void {
    const old = this.#messages.length;
    const order = <T>(ring: T[]): T[] => [...ring.slice(this.#head), ...ring.slice(0, this.#head)];
    this.#messages = order(this.#messages);
    this.#tags = order(this.#tags);
    this.#messages.length = old * 2;
    this.#tags.length = old * 2;
    this.#head = 0;
  }
}
