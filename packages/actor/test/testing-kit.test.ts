import { describe, expect, test } from "vitest";
import {
  type ActorRef,
  type Asking,
  type Behavior,
  type ReplyTo,
  receive,
  restart,
  setup,
  stopped,
  supervise,
} from "../src/index.ts";
import { createBehaviorKit, createManualClock, createProbe } from "../src/testing/index.ts";
import { createWorld } from "./world.ts";

type Ping = { type: "Ping"; n: number } | { type: "Other" } | Asking<{ type: "Ask" }, string>;

describe("probe", () => {
  test("gives messages in order, waits for late ones, and says what came instead", async () => {
    const { system } = createWorld();
    const probe = createProbe<Ping>();
    system.spawn(
      setup<{ type: "Never" }>(() => {
        probe.tell({ type: "Ping", n: 1 });
        setImmediate(() => probe.tell({ type: "Ping", n: 2 }));
        return receive({ Never: () => undefined });
      }),
      "pinger",
    );
    expect(await probe.expect("Ping")).toEqual({ type: "Ping", n: 1 });
    expect((await probe.expect("Ping")).n).toBe(2);
    await probe.expectNothing();
    await expect(probe.expect("Ping", { withinMs: 5 })).rejects.toThrow("nothing came within 5 ms");
    probe.tell({ type: "Other" });
    await expect(probe.expectNothing()).rejects.toThrow('got {"type":"Other"}');
    await expect(probe.expect("Ping")).rejects.toThrow('expected Ping, but got {"type":"Other"}');
    expect(probe.received).toHaveLength(3);
  });

  test("answers asks when the test says so, and can be watched", async () => {
    const { system, clock } = createWorld();
    const probe = createProbe<Ping>();
    const answer = probe.ask({ type: "Ask" }, { timeoutMs: 1000 });
    await probe.expect("Ask");
    probe.reply("yes");
    expect(await answer).toBe("yes");
    expect(() => probe.reply("again")).toThrow("no ask");
    const heard = createProbe<{ type: "Gone"; reason: string }>();
    system.spawn(
      setup<{ type: "Gone"; reason: string }>((context) => {
        context.watch(probe, (reason) => ({ type: "Gone", reason }));
        return receive({ Gone: (message) => heard.tell(message) });
      }),
      "watcher",
    );
    await clock.settle();
    probe.terminate("failed");
    expect(await heard.expect("Gone")).toEqual({ type: "Gone", reason: "failed" });
  });
});

describe("behaviour kit", () => {
  type Child = { type: "Go" };
  type Boss =
    | { type: "Hire"; name: string }
    | { type: "Fetched"; what: string }
    | { type: "Fetch"; work: Promise<string> }
    | { type: "ChildGone" }
    | Asking<{ type: "Last" }, string>
    | Asking<{ type: "Later" }, string>
    | { type: "Quit" };

  const createBoss = (log: string[]): Behavior<Boss> =>
    supervise(
      setup<Boss>((context) => {
        let last = "none";
        let later: ReplyTo<string> | null = null;
        return receive<Boss>(
          {
            Hire: ({ name }) => {
              const child: ActorRef<Child> = context.spawn(receive<Child>({ Go: () => undefined }), name);
              context.watch(child, { type: "ChildGone" });
              child.tell({ type: "Go" });
            },
            Fetch: ({ work }) =>
              context.pipeToSelf(work, {
                ok: (what) => ({ type: "Fetched", what }),
                failed: (error) => ({ type: "Fetched", what: error.message }),
              }),
            Fetched: ({ what }) => {
              last = what;
              later?.success(what);
            },
            ChildGone: () => void log.push("child gone"),
            Last: async (_message, replyTo) => {
              await Promise.resolve();
              replyTo.success(last);
            },
            Later: (_message, replyTo) => {
              later = replyTo;
            },
            Quit: () => stopped(),
          },
          {
            terminated: (ref, reason) => void log.push(`${ref.path} ${reason}`),
            stopping: (why) => void log.push(why),
          },
        );
      }),
      restart({ maxRestarts: 1, withinMs: 1 }),
    );

  test("records what the behaviour does and runs it message by message", async () => {
    const log: string[] = [];
    const kit = createBehaviorKit(createBoss(log));
    expect(kit.strategy).toMatchObject({ kind: "restart" });
    await kit.tell({ type: "Hire", name: "ann" });
    expect(kit.takeEffects()).toMatchObject([
      { kind: "spawned", name: "ann" },
      { kind: "watched", path: "/kit/ann" },
      { kind: "told", path: "/kit/ann", message: { type: "Go" } },
    ]);
    expect(kit.takeEffects()).toEqual([]);
    await kit.terminate("/kit/ann", "failed");
    expect(log).toEqual(["/kit/ann failed", "child gone"]);

    const later = await kit.ask({ type: "Later" });
    expect(later.answer).toEqual({ kind: "none" });
    await kit.tell({ type: "Fetch", work: Promise.resolve("bread") });
    await kit.settle();
    expect(later.answer).toEqual({ kind: "success", reply: "bread" });
    expect((await kit.ask({ type: "Last" })).answer).toEqual({ kind: "success", reply: "bread" });
    await kit.tell({ type: "Fetch", work: Promise.reject(new Error("sold out")) });
    await kit.settle();
    expect((await kit.ask({ type: "Last" })).answer).toEqual({ kind: "success", reply: "sold out" });

    await expect(kit.fire("nothing")).rejects.toThrow('no timer "nothing"');
    await kit.tell({ type: "Quit" });
    expect(kit.isStopped).toBe(true);
    expect(log.at(-1)).toBe("stopped");
    await expect(kit.tell({ type: "Hire", name: "x" })).rejects.toThrow("has stopped");
  });
});

describe("manual clock", () => {
  test("fires in order of time, then of setting; cancelled timers never", async () => {
    const clock = createManualClock(0);
    const fired: string[] = [];
    const add = (name: string, ms: number) => clock.after(ms, () => fired.push(`${name}@${clock.now().getTime()}`));
    add("late", 30);
    add("early", 10);
    add("same", 10);
    add("cancelled", 5).cancel();
    clock.after(10, () => add("nested", 5));
    clock.advance(20);
    expect(fired).toEqual(["early@10", "same@10", "nested@15"]);
    expect(clock.bootMs()).toBe(1_000_020);
    expect(clock.waiting).toBe(1);
    await clock.run(10);
    expect(fired.at(-1)).toBe("late@30");
  });
});
