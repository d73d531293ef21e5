/** The mailbox of one actor with its policy: what is kept, what goes, and who hears of what does. */
import { CastellanError } from "@castellan/kernel";
import { NotReachable } from "../errors.ts";
import type { Message } from "../message.ts";
import type { DeadLetterBox } from "../observe/dead-letters.ts";
import type { DeadLetterReason } from "../observe/topics.ts";
import { type Letter, Mailbox, type MailboxOptions } from "./mailbox.ts";
import { isSystem, type Tag } from "./tag.ts";

const mayGo = (tag: Tag | undefined): boolean => !isSystem(tag);

export class Inbox {
  readonly mailbox: Mailbox<Tag>;
  readonly #path: string;
  readonly #deadLetters: DeadLetterBox;
  dropped = 0;

  constructor(path: string, deadLetters: DeadLetterBox, options: MailboxOptions | undefined) {
    this.#path = path;
    this.#deadLetters = deadLetters;
    this.mailbox = new Mailbox(options);
  }

  /** Keeps the message, or does with it or with the oldest what the policy says. Throws MAILBOX_FULL under `fail`. */
  add(message: Message, tag: Tag | undefined): void {
    if (this.mailbox.offer(message, tag)) return;
    this.dropped += 1;
    const oldest = this.mailbox.overflow === "drop-old" ? this.mailbox.evict(mayGo) : undefined;
    if (oldest === undefined) {
      this.#overflow(message, tag);
      return;
    }
    this.mailbox.force(message, tag);
    this.#overflow(oldest.message, oldest.tag);
  }

  /** Back in front. What is the runtime's, and was accepted as such already, must not be looked at as new. */
  giveBack(letters: readonly Letter<Tag>[]): void {
    this.mailbox.giveBack(
      letters.map((letter) =>
        letter.tag?.kind === "timer" || letter.tag?.kind === "terminated"
          ? { message: letter.message, tag: { kind: "own", trace: null } }
          : letter,
      ),
    );
  }

  refuseStashed({ message, tag }: Letter<Tag>, capacity: number): void {
    this.dropped += 1;
    if (tag?.kind !== "ask") this.#count(message, tag, "stash-full");
    else
      tag.undelivered(fullError("STASH_FULL", `${this.#path} has put ${capacity} messages aside`, message, capacity));
  }

  /** The actor takes no more: whoever waits is told. */
  refuse(message: Message, tag: Tag | undefined): void {
    if (tag?.kind === "ask") tag.undelivered(new NotReachable(this.#path, message.type, "it has stopped"));
    else if (tag?.kind !== "timer" && tag?.kind !== "terminated") this.#count(message, tag, "actor-stopped");
  }

  refuseAll(): void {
    for (let message = this.mailbox.take(); message !== undefined; message = this.mailbox.take()) {
      this.refuse(message, this.mailbox.tag);
    }
  }

  #overflow(message: Message, tag: Tag | undefined): void {
    const { capacity, overflow } = this.mailbox;
    const error = (): CastellanError =>
      fullError("MAILBOX_FULL", `${this.#path} has ${capacity} messages waiting`, message, capacity);
    if (tag?.kind === "ask") tag.undelivered(error());
    else if (overflow === "fail" && tag?.kind !== "event") throw error();
    else if (overflow === "dead-letter" || overflow === "fail") this.#count(message, tag, "mailbox-full");
  }

  #count(message: Message, tag: Tag | undefined, reason: DeadLetterReason): void {
    if (tag?.kind === "event") this.#deadLetters.addEvent(this.#path, message.type, reason);
    else this.#deadLetters.add(this.#path, message.type, reason);
  }
}

/** The answer of an actor that has more to do than it may keep waiting. */
const fullError = (code: string, why: string, { type }: Message, capacity: number): CastellanError =>
  new CastellanError(code, `${why} and takes no more`, { retryable: true, details: { type, capacity } });
