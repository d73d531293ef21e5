/**
 * A look at the whole process table, shared by all who have a question about it: it takes milliseconds, on a busy host many
 * more, and of a hundred instances that end at once each would have one.
 *
 * S1 A question is answered only by a look that began after it was first asked.
 * S2 After each look there is none for a moment.
 */
import type { Clock } from "@castellan/kernel";

export interface SharedLook<T> {
  /** What a look has found that began after this question was first asked; null: too soon after the last one, ask again. */
  answer(question: string): T | null;
  /** What the last look found. */
  readonly last: T | null;
}

const SHARE_MS = 10;

export function createSharedLook<T>(clock: Pick<Clock, "bootMs">, look: () => T): SharedLook<T> {
  let looks = 0;
  let notBeforeMs = Number.NEGATIVE_INFINITY;
  let last: T | null = null;
  /** Questions that wait: how many looks there had been. */
  const waiting = new Map<string, number>();
  return {
    get last() {
      return last;
    },
    answer(question) {
      const askedAfter = waiting.get(question) ?? looks;
      if (looks === askedAfter) {
        const beganMs = clock.bootMs();
        if (beganMs < notBeforeMs) {
          waiting.set(question, askedAfter);
          return null;
        }
        looks += 1;
        last = look();
        const endedMs = clock.bootMs();
        // Whoever else needs this program gets his share of it, however long a look takes.
        notBeforeMs = endedMs + Math.max(SHARE_MS, (endedMs - beganMs) / 4);
      }
      waiting.delete(question);
      return last;
    },
  };
}
