import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  type Asking,
  type Behavior,
  NotReachable,
  receive,
  restart,
  setup,
  supervise,
  withStash,
} from "../src/index.ts";
import { createBehaviorKit } from "../src/testing/index.ts";
import { createWorld } from "./world.ts";

type Store =
  | { type: "Put"; n: number }
  | Asking<{ type: "Get" }, readonly number[]>
  | { type: "Opened" }
  | { type: "Closed" }
  | { type: "Break" };

/** Takes messages only while it is open. */
const store = (seen: number[], capacity: number): Behavior<Store> =>
  withStash(capacity, (stash) => {
    const closed = (): Behavior<Store> =>
      receive<Store>({
        Put: () => void stash.keep(),
        Get: () => void stash.keep(),
        Opened: () => {
          stash.unstash();
          return open();
        },
        Closed: () => undefined,
        Break: () => {
          throw new Error("broken");
        },
      });
    const open = (): Behavior<Store> =>
      receive<Store>({
        Put: ({ n }) => void seen.push(n),
        Get: (_message, replyTo) => replyTo.success([...seen]),
        Opened: () => undefined,
        Closed: () => closed(),
        Break: () => undefined,
      });
    return closed();
  });

const soon = { timeoutMs: 1000 };

test("what is put aside comes back first and in order, an ask with its asker", async () => {
  const { system, clock } = createWorld();
  const seen: number[] = [];
  const ref = system.spawn(store(seen, 10), "store");
  ref.tell({ type: "Put", n: 1 });
  const asked = ref.ask({ type: "Get" }, soon);
  ref.tell({ type: "Put", n: 2 });
  await clock.settle();
  expect(seen).toEqual([]);
  ref.tell({ type: "Opened" });
  ref.tell({ type: "Put", n: 3 });
  expect(await asked).toEqual([1]);
  await clock.settle();
  expect(seen).toEqual([1, 2, 3]);
});

test("a full stash refuses, and the mailbox is no wider for it", async () => {
  const { system, clock } = createWorld();
  const seen: number[] = [];
  const ref = system.spawn(store(seen, 2), "store");
  for (const n of [1, 2, 3]) ref.tell({ type: "Put", n });
  await expect(ref.ask({ type: "Get" }, soon)).rejects.toMatchObject({ code: "STASH_FULL", retryable: true });
  expect(system.deadLetters.byReason).toEqual({ "stash-full": 1 });
  ref.tell({ type: "Opened" });
  await clock.settle();
  expect(seen).toEqual([1, 2]);
});

test("a restart gives back what was put aside; the end refuses it", async () => {
  const { system, clock } = createWorld();
  const seen: number[] = [];
  const ref = system.spawn(supervise(store(seen, 10), restart({ maxRestarts: 1, withinMs: 1000 })), "store");
  ref.tell({ type: "Put", n: 1 });
  const asked = ref.ask({ type: "Get" }, soon);
  ref.tell({ type: "Break" });
  await clock.settle();
  expect(system.tree()).toMatchObject([{ restarts: 1, state: "running" }]);
  ref.tell({ type: "Opened" });
  expect(await asked).toEqual([1]);
  ref.tell({ type: "Closed" });
  const late = ref.ask({ type: "Get" }, soon).catch((thrown: unknown) => thrown);
  await clock.settle();
  await system.stop(100);
  expect(await late).toBeInstanceOf(NotReachable);
});

test("there must be a message in hand, and each is put aside once", async () => {
  const { system, clock } = createWorld();
  const codes: unknown[] = [];
  const attempt = (keep: () => boolean): void => {
    try {
      codes.push(keep());
    } catch (thrown) {
      codes.push(thrown instanceof Error && "code" in thrown ? thrown.code : thrown);
    }
  };
  const ref = system.spawn(
    withStash<{ type: "Go" }>(5, (stash) =>
      setup(() => {
        attempt(() => stash.keep());
        return receive({
          Go: () => {
            attempt(() => stash.keep());
            attempt(() => stash.keep());
          },
        });
      }),
    ),
    "careless",
  );
  ref.tell({ type: "Go" });
  await clock.settle();
  expect(codes).toEqual(["NOTHING_IN_HAND", true, "NOTHING_IN_HAND"]);
});

test("order of puts is the order of their arrival, however often the store opens and closes", async () => {
  const steps = fc.array(fc.constantFrom("put", "open", "close", "turn"), { maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(steps, async (given) => {
      const { system, clock } = createWorld();
      const seen: number[] = [];
      const ref = system.spawn(store(seen, 100), "store");
      let n = 0;
      for (const step of given) {
        if (step === "put") {
          n += 1;
          ref.tell({ type: "Put", n });
        } else if (step === "open") ref.tell({ type: "Opened" });
        else if (step === "close") ref.tell({ type: "Closed" });
        else await clock.settle();
      }
      ref.tell({ type: "Opened" });
      await clock.settle();
      expect(seen).toEqual(Array.from({ length: n }, (_, at) => at + 1));
      await system.stop(0);
    }),
    { numRuns: 40 },
  );
});

test("the kit shows what is put aside and handles what comes back", async () => {
  const seen: number[] = [];
  const kit = createBehaviorKit(store(seen, 1));
  await kit.tell({ type: "Put", n: 1 });
  const second = await kit.ask({ type: "Get" });
  expect(second.answer).toMatchObject({ kind: "refused", error: { code: "STASH_FULL" } });
  await kit.tell({ type: "Opened" });
  await kit.settle();
  expect(kit.takeEffects()).toEqual([
    { kind: "stashed", message: { type: "Put", n: 1 } },
    { kind: "unstashed", count: 1 },
  ]);
  expect(seen).toEqual([1]);
});
