import { expect, test } from "vitest";
import { type ActorRef, type Asking, createPipeline, NotReachable, type ReplyTo } from "../src/index.ts";
import { createManualClock, createProbe } from "../src/testing/index.ts";

type Numbers = Asking<{ type: "Double"; n: number }, number>;

test("asks leave in order, at most a window at once, and answers go to their askers", async () => {
  const clock = createManualClock();
  const probe = createProbe<Numbers>({ clock });
  const ref: ActorRef<Numbers> = probe;
  const pipeline = createPipeline(ref, { window: 3, clock });
  const answers = Promise.all([1, 2, 3, 4, 5].map((n) => pipeline.ask({ type: "Double", n }, { timeoutMs: 1000 })));
  expect(probe.received.map(({ n }) => n)).toEqual([1, 2, 3]);
  expect([pipeline.inFlight, pipeline.queued]).toEqual([3, 2]);
  for (const n of [1, 2, 3, 4, 5]) {
    probe.reply(2 * n);
    await clock.settle();
  }
  expect(await answers).toEqual([2, 4, 6, 8, 10]);
  expect(probe.received.map(({ n }) => n)).toEqual([1, 2, 3, 4, 5]);
  expect([pipeline.inFlight, pipeline.queued]).toEqual([0, 0]);
});

test("the time in the queue counts: who is not sent by the deadline was not acted on", async () => {
  const clock = createManualClock();
  const probe = createProbe<Numbers>({ clock });
  const ref: ActorRef<Numbers> = probe;
  const pipeline = createPipeline(ref, { window: 1, clock });
  const first = pipeline.ask({ type: "Double", n: 1 }, { timeoutMs: 5000 });
  const second = pipeline.ask({ type: "Double", n: 2 }, { timeoutMs: 100 }).catch((thrown: unknown) => thrown);
  await clock.run(200);
  expect(await second).toBeInstanceOf(NotReachable);
  probe.reply(2);
  expect(await first).toBe(2);
  expect(probe.received).toHaveLength(1);
});

test("the queue is bounded, and a refusal makes room as an answer does", async () => {
  const clock = createManualClock();
  const probe = createProbe<Numbers>({ clock });
  const ref: ActorRef<Numbers> = probe;
  const pipeline = createPipeline(ref, { window: 1, queue: 1, clock });
  const ask = (n: number): Promise<unknown> =>
    pipeline.ask({ type: "Double", n }, { timeoutMs: 1000 }).catch((thrown: unknown) => thrown);
  const [first, second] = [ask(1), ask(2)];
  expect(await ask(3)).toMatchObject({ code: "PIPELINE_FULL", retryable: true });
  probe.refuse({ code: "NO", message: "no", retryable: false, details: {} } satisfies Parameters<
    ReplyTo<1>["refuse"]
  >[0]);
  expect(await first).toMatchObject({ code: "NO" });
  probe.reply(4);
  expect(await second).toBe(4);
});
