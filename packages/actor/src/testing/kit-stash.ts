/** The stash of a behaviour that is run by hand. */
import { CastellanError } from "@castellan/kernel";
import type { Stash } from "../actor.ts";
import type { Message, ReplyTo } from "../message.ts";

export type Answerer = ReplyTo<unknown>;

/** A message with whoever waits for its answer. */
export interface Arrived {
  readonly message: Message;
  readonly replyTo: Answerer;
}

export const NOBODY: Answerer = { success: () => undefined, refuse: () => undefined };

interface KitStashHome {
  takeHand(): Arrived | undefined;
  kept(message: Message): void;
  giveBack(kept: readonly Arrived[]): void;
}

export function createKitStash(capacity: number, home: KitStashHome): Stash {
  let kept: Arrived[] = [];
  return {
    get size() {
      return kept.length;
    },
    keep() {
      const hand = home.takeHand();
      if (hand === undefined) throw new CastellanError("NOTHING_IN_HAND", "there is no message in hand to put aside");
      if (kept.length >= capacity) {
        hand.replyTo.refuse(new CastellanError("STASH_FULL", `${capacity} messages are put aside`));
        return false;
      }
      kept.push(hand);
      home.kept(hand.message);
      return true;
    },
    unstash() {
      home.giveBack(kept);
      kept = [];
    },
  };
}
