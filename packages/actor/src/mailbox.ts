/**
 * A bounded queue in a ring: no shifting, no allocation per message. Each place holds a message and a tag that says
 * how it came (see `cell.ts`); a plain tell has no tag.
 *
 * 1. `size` never exceeds `capacity`, except by what `force` put in (signals must not be lost).
 * 2. Order out is order in.
 */
import type { Message } from "./message.ts";

export interface MailboxOptions {
  /** The most messages that wait; one more is a dead letter. Default 10,000. */
  readonly capacity?: number;
}

export const DEFAULT_CAPACITY = 10_000;

export class Mailbox<Tag> {
  readonly capacity: number;
  #messages: (Message | undefined)[] = Array.from({ length: 16 });
  #tags: (Tag | undefined)[] = Array.from({ length: 16 });
  #head = 0;
  #size = 0;
  /** The tag of the message that `take` returned last. */
  tag: Tag | undefined;

  constructor(options: MailboxOptions = {}) {
    this.capacity = options.capacity ?? DEFAULT_CAPACITY;
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
