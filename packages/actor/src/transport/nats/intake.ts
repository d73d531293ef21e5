/**
 * Lets the event loop turn while messages pour in. The client hands over everything that a read of its socket has brought,
 * which can be thousands of messages, one after the other; what one turn has no time for waits here for the next turns.
 *
 * N1 Messages are handled in the order they came in.
 * N2 What waits is bounded: with no room left a message is not taken, and whoever brings it is told so.
 */

/** A turn spends about this long on messages, milliseconds. */
const TURN_MS = 25;
/** The clock is looked at once for so many messages. */
const LOOK_EVERY = 16;
const MOST_WAITING = 50_000;
const MOST_BYTES = 32 * 1024 * 1024;
/** Places at the front of the line that may be used up before they are given back. */
const COMPACT_AT = 4096;

export interface Intake<M> {
  /** Handles the message of so many bytes, now or in one of the next turns; false when there is no room for it. */
  take(message: M, bytes: number): boolean;
  /** Resolves when all that was taken is handled: at once, or after so many turns. */
  emptied(): Promise<void>;
}

/** `nowMs` must not jump back; `handle` must not throw; `nextTurn` is how the event loop's next turn is asked for. */
export function createIntake<M>(
  handle: (message: M) => void,
  nowMs: () => number,
  nextTurn: (work: () => void) => void = setImmediate,
): Intake<M> {
  let waiting: { readonly message: M; readonly bytes: number }[] = [];
  let at = 0;
  let waitingBytes = 0;
  let isTurn = false;
  let endsMs = 0;
  let handled = 0;
  let isSpent = false;
  let whenEmpty: (() => void)[] = [];

  const hasTime = (): boolean => {
    if (!isTurn) {
      isTurn = true;
      isSpent = false;
      handled = 0;
      endsMs = nowMs() + TURN_MS;
      nextTurn(begin);
    }
    if (!isSpent && handled === LOOK_EVERY) {
      handled = 0;
      isSpent = nowMs() >= endsMs;
    }
    return !isSpent;
  };
  /** A new turn begins with what has waited. */
  const begin = (): void => {
    isTurn = false;
    for (let next = waiting[at]; next !== undefined && hasTime(); next = waiting[at]) {
      at += 1;
      handled += 1;
      waitingBytes -= next.bytes;
      handle(next.message);
    }
    if (at === waiting.length || at >= COMPACT_AT) {
      waiting = waiting.slice(at);
      at = 0;
    }
    if (waiting.length > 0) return;
    const told = whenEmpty;
    whenEmpty = [];
    for (const tell of told) tell();
  };
  return {
    take(message, bytes) {
      if (at === waiting.length && hasTime()) {
        handled += 1;
        handle(message);
        return true;
      }
      if (waiting.length - at >= MOST_WAITING || waitingBytes + bytes > MOST_BYTES) return false;
      waiting.push({ message, bytes });
      waitingBytes += bytes;
      return true;
    },
    emptied: () => (waiting.length === 0 ? Promise.resolve() : new Promise((resolve) => void whenEmpty.push(resolve))),
  };
}
