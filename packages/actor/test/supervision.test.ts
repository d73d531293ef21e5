import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type ActorRef,
  type Asking,
  type Behavior,
  escalate,
  receive,
  restart,
  resume,
  type SupervisionStrategy,
  setup,
  stop,
  supervise,
} from "../src/index.ts";
import { decideFailure, type RestartHistory } from "../src/supervision.ts";
import { createWorld } from "./world.ts";

type Worker = { type: "Add" } | { type: "Break" } | Asking<{ type: "Get" }, number>;

/** Counts in a closure, so that a fresh behaviour starts at nought. */
const worker = (log: string[] = [], name = "worker"): Behavior<Worker> =>
  setup<Worker>(() => {
    let count = 0;
    log.push(`${name} started`);
    return receive<Worker>(
      {
        Add: () => {
          count += 1;
        },
        Break: () => {
          throw new Error("broken");
        },
        Get: (_message, replyTo) => replyTo.success(count),
      },
      { stopping: (why) => void log.push(`${name} ${why}`) },
    );
  });

const get = (ref: ActorRef<Worker>): Promise<number> => ref.ask({ type: "Get" }, { timeoutMs: 100_000 });

describe("a handler that throws", () => {
  test("resume: the state stays, the message is gone", async () => {
    const { system } = createWorld();
    const ref = system.spawn(supervise(worker(), resume()), "worker");
    ref.tell({ type: "Add" });
    ref.tell({ type: "Break" });
    ref.tell({ type: "Add" });
    expect(await get(ref)).toBe(2);
  });

  test("restart: a fresh behaviour behind the same ref, and the waiting messages are kept", async () => {
    const log: string[] = [];
    const { system } = createWorld();
    const ref = system.spawn(supervise(worker(log), restart({ maxRestarts: 1, withinMs: 1000 })), "worker");
    ref.tell({ type: "Add" });
    ref.tell({ type: "Break" });
    ref.tell({ type: "Add" });
    expect(await get(ref)).toBe(1);
    expect(log).toEqual(["worker started", "worker restarting", "worker started"]);
    expect(system.tree()).toMatchObject([{ restarts: 1 }]);
  });

  test("restart waits for its growing back-off, and a restart too many escalates", async () => {
    const { system, clock, defects } = createWorld();
    const backoff = { firstMs: 100, maxMs: 10_000, jitter: 0 };
    const ref = system.spawn(supervise(worker(), restart({ maxRestarts: 2, withinMs: 60_000, backoff })), "worker");
    ref.tell({ type: "Break" });
    const first = get(ref);
    await clock.run(99);
    expect(system.tree()).toMatchObject([{ state: "restarting", mailbox: 1 }]);
    await clock.run(1);
    expect(await first).toBe(0);
    ref.tell({ type: "Break" });
    await clock.run(199);
    expect(system.tree()).toMatchObject([{ state: "restarting" }]);
    await clock.run(1);
    expect(system.tree()).toMatchObject([{ state: "running", restarts: 2 }]);
    ref.tell({ type: "Break" });
    await clock.settle();
    expect(defects).toMatchObject([{ path: "/user/worker" }]);
    expect(system.tree()).toEqual([]);
  });

  test("a setup that throws is supervised like a handler", async () => {
    const { system, clock } = createWorld();
    let tries = 0;
    const ref = system.spawn(
      supervise(
        setup<Worker>(() => {
          tries += 1;
          if (tries < 3) throw new Error("not yet");
          return worker();
        }),
        restart({ maxRestarts: 5, withinMs: 1000 }),
      ),
      "worker",
    );
    await clock.settle();
    expect(await get(ref)).toBe(0);
    expect(tries).toBe(3);
  });

  test("a rejected promise is a throw", async () => {
    const { system } = createWorld();
    const ref = system.spawn(
      supervise(
        receive<{ type: "Break" } | Asking<{ type: "Get" }, number>>({
          Break: () => Promise.reject(new Error("later")),
          Get: (_message, replyTo) => replyTo.success(7),
        }),
        resume(),
      ),
      "worker",
    );
    ref.tell({ type: "Break" });
    expect(await ref.ask({ type: "Get" }, { timeoutMs: 100 })).toBe(7);
  });
});

type Parent = { type: "Spawn"; name: string; strategy?: SupervisionStrategy } | { type: "Gone"; reason: string };

const parent = (log: string[], children: Map<string, ActorRef<Worker>>): Behavior<Parent> =>
  setup<Parent>((context) => {
    log.push("parent started");
    return receive<Parent>(
      {
        Spawn: ({ name, strategy }) => {
          const behavior = worker(log, name);
          const child = context.spawn(strategy === undefined ? behavior : supervise(behavior, strategy), name);
          children.set(name, child);
          context.watch(child, (reason) => ({ type: "Gone", reason: `${name} ${reason}` }));
        },
        Gone: ({ reason }) => void log.push(`gone: ${reason}`),
      },
      { stopping: (why) => void log.push(`parent ${why}`) },
    );
  });

describe("families", () => {
  test("stop: the child ends as failed, its parent hears of it and goes on", async () => {
    const { system, clock, defects } = createWorld();
    const log: string[] = [];
    const children = new Map<string, ActorRef<Worker>>();
    const ref = system.spawn(parent(log, children), "parent");
    ref.tell({ type: "Spawn", name: "a", strategy: stop() });
    await clock.settle();
    children.get("a")?.tell({ type: "Break" });
    await clock.settle();
    expect(log).toEqual(["parent started", "a started", "a stopped", "gone: a failed"]);
    expect(defects).toEqual([]);
  });

  test("escalate is the default: the parent fails with the child's error, and its restart ends all children", async () => {
    const { system, clock } = createWorld();
    const log: string[] = [];
    const children = new Map<string, ActorRef<Worker>>();
    const supervised = supervise(parent(log, children), restart({ maxRestarts: 1, withinMs: 1000 }));
    const ref = system.spawn(supervised, "parent");
    ref.tell({ type: "Spawn", name: "a" });
    ref.tell({ type: "Spawn", name: "b" });
    ref.tell({ type: "Spawn", name: "c", strategy: escalate() });
    await clock.settle();
    children.get("b")?.tell({ type: "Break" });
    await clock.settle();
    expect(log.slice(4)).toEqual(["b stopped", "c stopped", "a stopped", "parent restarting", "parent started"]);
    expect(system.tree()).toMatchObject([{ state: "running", children: [] }]);
  });

  test("the system stops children before parents and the youngest first; stopping twice is once", async () => {
    const { system, clock } = createWorld();
    const log: string[] = [];
    const ref = system.spawn(parent(log, new Map()), "parent");
    system.spawn(worker(log, "late"), "late");
    ref.tell({ type: "Spawn", name: "a" });
    ref.tell({ type: "Spawn", name: "b" });
    await clock.settle();
    log.length = 0;
    await Promise.all([system.stop(1000), system.stop(1000)]);
    expect(log).toEqual(["late stopped", "b stopped", "a stopped", "parent stopped"]);
    expect(() => system.spawn(worker(), "more")).toThrow("stopped");
    expect(clock.waiting).toBe(0);
  });

  test("nine thousand children stop without exhausting the stack", async () => {
    const { system, clock } = createWorld();
    const ref = system.spawn(parent([], new Map()), "parent");
    for (let n = 0; n < 9000; n += 1) ref.tell({ type: "Spawn", name: `c${n}` });
    await clock.settle();
    await clock.run(0);
    await system.stop(1000);
    expect(system.tree()).toEqual([]);
  });

  test("an actor that does not end in time is left behind", async () => {
    const { system, clock, logged } = createWorld({ actorStopMs: 500 });
    const stuck = new Promise<void>(() => undefined);
    const ref = system.spawn(receive<{ type: "Hang" }>({ Hang: () => stuck }), "hanging");
    system.spawn(receive<{ type: "Hang" }>({ Hang: () => stuck }, { stopping: () => stuck }), "clinging");
    ref.tell({ type: "Hang" });
    await clock.settle();
    const over = system.stop(10_000);
    await clock.run(1000);
    await over;
    expect(system.tree()).toEqual([]);
    expect(logged.filter(({ level }) => level === "error")).toHaveLength(2);
    expect(clock.waiting).toBe(0);
  });

  test("the deadline of the whole system wins over patience with its actors", async () => {
    const { system, clock, logged } = createWorld();
    const ref = system.spawn(receive<{ type: "Hang" }>({ Hang: () => new Promise<void>(() => undefined) }), "hanging");
    ref.tell({ type: "Hang" });
    await clock.settle();
    const over = system.stop(100);
    await clock.run(100);
    await over;
    expect(system.tree()).toEqual([]);
    expect(logged.at(-1)?.message).toBe("actors did not stop in time and are left behind");
    expect(clock.waiting).toBe(0);
  });

  test("names are unique among siblings and free again after the end", async () => {
    const { system, clock } = createWorld();
    const ref = system.spawn(receive<{ type: "Hang" }>({ Hang: () => undefined }), "one");
    expect(() => system.spawn(worker(), "one")).toThrow("/user/one lives already");
    expect(() => system.spawn(worker(), "a/b")).toThrow("not an actor name");
    await clock.settle();
    expect(ref.path).toBe("/user/one");
  });
});

describe("death watch", () => {
  type Watcher = { type: "Gone" } | { type: "Forget" };

  test("the signal comes first, then the message; an ended actor is reported at once; unwatch ends it", async () => {
    const { system, clock } = createWorld();
    const log: string[] = [];
    const target = system.spawn(
      receive<{ type: "Break" }>({
        Break: () => {
          throw new Error("x");
        },
      }),
      "target",
    );
    const watch = (name: string, forget: boolean): void => {
      system.spawn(
        setup<Watcher>((context) => {
          context.watch(target, { type: "Gone" });
          if (forget) context.unwatch(target);
          return receive<Watcher>(
            { Gone: () => void log.push(`${name} message`), Forget: () => undefined },
            { terminated: (ref, reason) => void log.push(`${name} ${ref.path} ${reason}`) },
          );
        }),
        name,
      );
    };
    watch("first", false);
    watch("forgetful", true);
    await clock.settle();
    await system.stop(0).catch(() => undefined);
    expect(log).toEqual([]);

    const second = createWorld();
    const gone = second.system.spawn(supervise(worker(), stop()), "gone");
    gone.tell({ type: "Break" });
    await second.clock.settle();
    const heard: string[] = [];
    second.system.spawn(
      setup<Watcher>((context) => {
        context.watch(gone, { type: "Gone" });
        return receive<Watcher>(
          { Gone: () => void heard.push("message"), Forget: () => undefined },
          { terminated: (ref, reason) => void heard.push(`${ref.path} ${reason}`) },
        );
      }),
      "late",
    );
    await second.clock.settle();
    expect(heard).toEqual(["/user/gone failed", "message"]);
  });
});

describe("decideFailure", () => {
  const strategies = fc.oneof(
    fc.constantFrom(resume(), stop(), escalate()),
    fc
      .record({ maxRestarts: fc.nat(5), withinMs: fc.integer({ min: 1, max: 1000 }) })
      .map((options) => restart(options)),
  );

  test("is total, and never allows more restarts in a window than the budget", () => {
    fc.assert(
      fc.property(strategies, fc.array(fc.nat(400), { maxLength: 40 }), (strategy, gaps) => {
        let history: RestartHistory = [];
        let nowMs = 0;
        const restarts: number[] = [];
        for (const gap of gaps) {
          nowMs += gap;
          const decided = decideFailure(strategy, history, nowMs);
          history = decided.history;
          if (strategy.kind !== "restart") {
            expect(decided.verdict.action).toBe(strategy.kind);
            continue;
          }
          const { maxRestarts, withinMs } = strategy.options;
          const inWindow = restarts.filter((at) => nowMs - at < withinMs).length;
          expect(decided.verdict.action).toBe(inWindow < maxRestarts ? "restart" : "escalate");
          if (decided.verdict.action === "restart") {
            expect(decided.verdict.attempt).toBe(inWindow);
            restarts.push(nowMs);
          }
          expect(history.length).toBeLessThanOrEqual(maxRestarts);
        }
      }),
    );
  });
});

const stuck = (): Promise<void> => new Promise(() => undefined);

test("an actor's own patience with its end is kept, and its siblings' is not used up by it", async () => {
  const { system, clock, logged } = createWorld();
  const order: string[] = [];
  const spawn = (name: string, stopMs: number): void => {
    const stopping = async (): Promise<void> => {
      order.push(`${name} stopping at ${clock.bootMs() - startMs}`);
      await stuck();
    };
    system.spawn(receive<{ type: "Never" }>({ Never: () => undefined }, { stopping }), name, { stopMs });
  };
  const startMs = clock.bootMs();
  spawn("patient", 300);
  spawn("hasty", 100);
  await clock.settle();
  const over = system.stop(10_000);
  await clock.run(1000);
  await over;
  expect(order).toEqual(["hasty stopping at 0", "patient stopping at 100"]);
  expect(logged.filter(({ level }) => level === "error")).toHaveLength(2);
});
