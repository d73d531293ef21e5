import { type Asking, type Behavior, receive, setup, withStash } from "@castellan/actor";

type Printer = Asking<{ type: "Print"; text: string }, string> | { type: "Warm" };

/** Takes jobs at once and prints them when it is warm: at most a hundred wait, each with its asker. */
export const createPrinter = (warmUp: () => Promise<void>): Behavior<Printer> =>
  setup<Printer>((context) => {
    context.pipeToSelf(warmUp(), { ok: () => ({ type: "Warm" }), failed: (error) => fail(error) });
    return withStash(100, (stash) => {
      const warm = receive<Printer>({
        Print: ({ text }, replyTo) => replyTo.success(`printed ${text}`),
        Warm: () => undefined,
      });
      return receive<Printer>({
        Print: () => void stash.keep(), // a full stash refuses the asker with STASH_FULL
        Warm: () => {
          stash.unstash(); // in the order in which they came, and before everything newer
          return warm;
        },
      });
    });
  });

function fail(error: Error): never {
  throw error; // it stays cold: that is for its supervisor to judge
}
