/** One stash of one life of an actor. */
import { CastellanError } from "@castellan/kernel";
import type { Stash } from "../actor.ts";
import type { Letter } from "./mailbox.ts";
import type { Tag } from "./tag.ts";

export interface StashHome {
  /** Takes the message out of the handler's hand: undefined when none is in hand or it was taken before. */
  takeHand(): Letter<Tag> | undefined;
  refuse(letter: Letter<Tag>, capacity: number): void;
  giveBack(letters: readonly Letter<Tag>[]): void;
}

export class CellStash implements Stash {
  readonly #home: StashHome;
  readonly #capacity: number;
  #kept: Letter<Tag>[] = [];

  constructor(home: StashHome, capacity: number) {
    this.#home = home;
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#kept.length;
  }

  keep(): boolean {
    const letter = this.#home.takeHand();
    if (letter === undefined) throw new CastellanError("NOTHING_IN_HAND", "there is no message in hand to put aside");
    if (this.#kept.length >= this.#capacity) {
      this.#home.refuse(letter, this.#capacity);
      return false;
    }
    this.#kept.push(letter);
    return true;
  }

  unstash(): void {
    this.#home.giveBack(this.empty());
  }

  empty(): readonly Letter<Tag>[] {
    const kept = this.#kept;
    this.#kept = [];
    return kept;
  }
}
