import { CastellanError } from "@castellan/kernel";
import { afterEach, describe, expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import {
  type ActorRef,
  type ActorSystem,
  AskTimeout,
  type Behavior,
  type CommandOf,
  createMemoryHub,
  NotReachable,
  RemoteError,
  type ReplyOf,
  receive,
  setup,
  stopped,
  type TellOf,
} from "../src/index.ts";
import { MAX_BODY_BYTES } from "../src/remote/wire.ts";
import { createManualClock } from "../src/testing/index.ts";
import { createWorld } from "./world.ts";

const Till = {
  actor: "till",
  messages: {
    Pay: { request: z.object({ cents: z.int().positive(), note: z.string().optional() }) },
    GetTotal: { request: z.object({}), reply: z.object({ cents: z.int() }) },
    Withdraw: { request: z.object({ cents: z.int() }), reply: z.object({ left: z.int() }) },
    Break: { request: z.object({}), reply: z.object({}) },
    Close: { request: z.object({}) },
  },
} as const;
type TillCommand = CommandOf<typeof Till> | { type: "Audit" };

const till = (audits: string[] = []): Behavior<TillCommand> =>
  setup<TillCommand>(() => {
    let total = 0;
    return receive<TillCommand>({
      Pay: ({ cents }) => {
        total += cents;
      },
      GetTotal: (_message, replyTo) => replyTo.success({ cents: total }),
      Withdraw: ({ cents }, replyTo) => {
        if (cents > total) {
          replyTo.refuse(new CastellanError("NOT_ENOUGH", `only ${total} left`, { details: { total } }));
          return;
        }
        total -= cents;
        replyTo.success({ left: total });
      },
      Break: () => {
        throw new CastellanError("ODD", "a defect, whatever its class");
      },
      Close: () => stopped(),
      Audit: () => void audits.push("audited"),
    });
  });

const systems: ActorSystem[] = [];
afterEach(async () => {
  await Promise.all(systems.splice(0).map((system) => system.stop(0)));
});

const createPair = (encodeLocally = true) => {
  const clock = createManualClock();
  const hub = createMemoryHub(clock);
  const here = createWorld({ clock, host: "hades", transport: hub.connect("hades"), encodeLocally });
  const there = createWorld({ clock, host: "zeus", transport: hub.connect("zeus"), encodeLocally });
  systems.push(here.system, there.system);
  return { clock, hub, here: here.system, there: there.system };
};

const ms = { timeoutMs: 1000 };

test("types are read off the protocol", () => {
  expectTypeOf<ReplyOf<typeof Till, "GetTotal">>().toEqualTypeOf<{ cents: number }>();
  expectTypeOf<ReplyOf<typeof Till, "Pay">>().toEqualTypeOf<never>();
  expectTypeOf<TellOf<typeof Till>["type"]>().toEqualTypeOf<"Pay" | "Close">();
  const neverRun = (ref: ActorRef<CommandOf<typeof Till>>): void => {
    // @ts-expect-error wrong field
    ref.tell({ type: "Pay", euros: 1 });
    // @ts-expect-error asked, not told
    ref.tell({ type: "GetTotal" });
    expectTypeOf(ref.ask({ type: "Withdraw", cents: 1 }, ms)).toEqualTypeOf<Promise<{ left: number }>>();
  };
  expect(neverRun).toBeTypeOf("function");
});

describe.each([
  ["on another host", "zeus", true],
  ["in this system, through bytes", "hades", true],
  ["in this system, direct", "hades", false],
])("an exposed actor %s", (_name, host, encodeLocally) => {
  const start = () => {
    const pair = createPair(encodeLocally);
    const owner = host === "zeus" ? pair.there : pair.here;
    const ref = owner.spawn(till(), "till");
    owner.expose(Till, "front", ref);
    return { ...pair, remote: pair.here.remote(Till, { host, key: "front" }) };
  };

  test("is told and asked", async () => {
    const { remote } = start();
    expect(remote.path).toBe(`${host}/till/front`);
    remote.tell({ type: "Pay", cents: 500 });
    remote.tell({ type: "Pay", cents: 250 });
    expect(await remote.ask({ type: "GetTotal" }, ms)).toEqual({ cents: 750 });
    expect(await remote.ask({ type: "Withdraw", cents: 50 }, ms)).toEqual({ left: 700 });
  });

  test("refuses with code and details", async () => {
    const { remote } = start();
    const failed = await remote.ask({ type: "Withdraw", cents: 1 }, ms).catch((thrown: unknown) => thrown);
    expect(failed).toBeInstanceOf(CastellanError);
    expect(failed).toMatchObject({ code: "NOT_ENOUGH", message: "only 0 left", details: { total: 0 } });
  });

  test("answers INTERNAL when it breaks, whatever it threw", async () => {
    const { remote } = start();
    const failed = await remote.ask({ type: "Break" }, ms).catch((thrown: unknown) => thrown);
    expect(failed).toBeInstanceOf(RemoteError);
    expect(failed).toMatchObject({ code: "INTERNAL" });
  });

  test("is not reachable once it has stopped", async () => {
    const { remote, clock } = start();
    remote.tell({ type: "Close" });
    await clock.settle();
    await expect(remote.ask({ type: "GetTotal" }, ms)).rejects.toBeInstanceOf(NotReachable);
    await clock.run(6000);
    await expect(remote.ask({ type: "GetTotal" }, ms)).rejects.toBeInstanceOf(NotReachable);
  });
});

describe("the border", () => {
  test("what does not fit the schema is refused and counted, and the actor goes on", async () => {
    const { there, hub, clock } = createPair();
    there.expose(Till, "-", there.spawn(till(), "till"));
    const stranger = hub.connect("stranger");
    const address = { host: "zeus", actor: "till", key: "-" };
    const ask = async (verb: string, body: string | Uint8Array): Promise<unknown> => {
      const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
      const answer = stranger.request(address, verb, bytes, {}, 100);
      await clock.settle();
      const text = new TextDecoder().decode((await answer).body);
      return text === "" ? undefined : JSON.parse(text);
    };
    expect(await ask("pay", '{"cents":"many"}')).toMatchObject({ error: { code: "BAD_MESSAGE", retryable: false } });
    expect(await ask("pay", "not json")).toMatchObject({ error: { code: "BAD_MESSAGE" } });
    expect(await ask("pay", Uint8Array.of(0xff, 0xfe))).toMatchObject({ error: { code: "BAD_MESSAGE" } });
    expect(await ask("withdraw", "")).toMatchObject({ error: { code: "BAD_MESSAGE" } });
    expect(await ask("audit", "{}")).toMatchObject({ error: { code: "UNKNOWN_VERB" } });
    expect(await ask("Audit", "{}")).toMatchObject({ error: { code: "UNKNOWN_VERB" } });
    expect(await ask("__proto__", "{}")).toMatchObject({ error: { code: "UNKNOWN_VERB" } });
    expect(await ask("pay", new Uint8Array(MAX_BODY_BYTES + 1))).toMatchObject({ error: { code: "TOO_LARGE" } });
    expect(there.deadLetters.count).toBe(8);
    expect(await ask("pay", '{"cents":5,"extra":1}')).toEqual({});
    expect(await ask("get-total", "")).toEqual({ cents: 5 });
  });

  test("an answer that is not what the protocol says is an error of the other side", async () => {
    const { here, hub, clock } = createPair();
    const liar = hub.connect("zeus");
    liar.serve({ host: "zeus", actor: "till", key: "-" }, (_verb, _body, _headers, reply) => {
      reply?.(new TextEncoder().encode('{"cents":"lots"}'), {});
    });
    const answer = here.remote(Till, { host: "zeus" }).ask({ type: "GetTotal" }, ms);
    answer.catch(() => undefined);
    await clock.settle();
    await expect(answer).rejects.toMatchObject({ code: "BAD_REPLY", name: "RemoteError" });
  });

  test("a message too large to travel is refused before it leaves", async () => {
    const { here } = createPair();
    const remote = here.remote(Till, { host: "zeus" });
    remote.tell({ type: "Pay", cents: 1, note: "x".repeat(MAX_BODY_BYTES) });
    expect(here.deadLetters.recent.at(-1)).toMatchObject({ reason: "too-large", path: "zeus/till/-" });
  });
});

describe("names", () => {
  test("one live actor a name; a stopped one makes way; an alias answers too", async () => {
    const { here, there, clock } = createPair();
    const first = there.spawn(till(), "first");
    there.expose(Till, "-", first, { as: "master" });
    const second = there.spawn(till(), "second");
    expect(() => there.expose(Till, "-", second)).toThrow("another live actor");
    expect(() => there.expose(Till, "No Key", second)).toThrow("No Key");
    const master = here.remote(Till, { host: "master" });
    master.tell({ type: "Pay", cents: 3 });
    await clock.settle();
    expect(await there.remote(Till, { host: "master" }).ask({ type: "GetTotal" }, ms)).toEqual({ cents: 3 });
    first.tell({ type: "Close" });
    await clock.settle();
    const exposure = there.expose(Till, "-", second, { as: "master" });
    expect(await master.ask({ type: "GetTotal" }, ms)).toEqual({ cents: 0 });
    exposure.close();
    await expect(master.ask({ type: "GetTotal" }, ms)).rejects.toBeInstanceOf(NotReachable);
    expect(await second.ask({ type: "GetTotal" }, ms)).toEqual({ cents: 0 });
  });

  test("without a transport, a name that nobody has is not reachable", async () => {
    const { system } = createWorld();
    const remote = system.remote(Till, { host: "elsewhere" });
    await expect(remote.ask({ type: "GetTotal" }, ms)).rejects.toBeInstanceOf(NotReachable);
    remote.tell({ type: "Close" });
    expect(system.deadLetters.recent).toMatchObject([{ reason: "no-such-actor" }]);
  });

  test("a partition loses messages in silence; a name nobody serves is known at once", async () => {
    const { here, there, clock, hub } = createPair();
    there.expose(Till, "-", there.spawn(till(), "till"));
    hub.partition("hades", "zeus");
    const lost = here.remote(Till, { host: "zeus" }).ask({ type: "GetTotal" }, ms);
    lost.catch(() => undefined);
    await clock.run(1100);
    await expect(lost).rejects.toBeInstanceOf(AskTimeout);
    hub.heal();
    expect(await here.remote(Till, { host: "zeus" }).ask({ type: "GetTotal" }, ms)).toEqual({ cents: 0 });
    await expect(here.remote(Till, { host: "hera" }).ask({ type: "GetTotal" }, ms)).rejects.toBeInstanceOf(
      NotReachable,
    );
  });
});

const watching = (system: ActorSystem, log: string[]): void => {
  const target = system.remote(Till, { host: "zeus" });
  system.spawn(
    setup<{ type: "Gone"; reason: string }>((context) => {
      context.watch(target, (reason) => ({ type: "Gone", reason }));
      return receive({ Gone: ({ reason }) => void log.push(reason) });
    }),
    "watcher",
  );
};

describe("watching from elsewhere", () => {
  test("the end of the actor is told as stopped, within a probe", async () => {
    const { here, there, clock } = createPair();
    const ref = there.spawn(till(), "till");
    there.expose(Till, "-", ref);
    const log: string[] = [];
    watching(here, log);
    await clock.run(5000);
    expect(log).toEqual([]);
    ref.tell({ type: "Close" });
    await clock.run(1100);
    expect(log).toEqual(["stopped"]);
  });

  test("another life under the same name is the end of the first", async () => {
    const { here, there, clock } = createPair();
    const ref = there.spawn(till(), "till");
    there.expose(Till, "-", ref);
    const log: string[] = [];
    watching(here, log);
    await clock.run(500);
    ref.tell({ type: "Close" });
    await clock.settle();
    there.expose(Till, "-", there.spawn(till(), "till"));
    await clock.run(1100);
    expect(log).toEqual(["stopped"]);
  });

  test("a host that has vanished is unreachable after two probes; a partition proves nothing", async () => {
    const { here, there, clock, hub } = createPair();
    there.expose(Till, "-", there.spawn(till(), "till"));
    const log: string[] = [];
    watching(here, log);
    hub.partition("hades", "zeus");
    await clock.run(30_000);
    expect(log).toEqual([]);
    hub.heal();
    await clock.run(3000);
    await there.stop(0);
    await clock.run(900);
    expect(log).toEqual([]);
    await clock.run(1300);
    expect(log).toEqual(["unreachable"]);
  });
});
