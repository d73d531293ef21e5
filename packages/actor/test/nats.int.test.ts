import { createIdSource, createSystemClock, type Logger, silentLogger, systemRng } from "@castellan/kernel";
import { eventually, type NatsServer, natsServer } from "@castellan/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import {
  type ActorSystem,
  type Asking,
  AskTimeout,
  type Behavior,
  type CommandOf,
  createActorSystem,
  LinkDown,
  NotReachable,
  receive,
  setup,
  stopped,
  type Transport,
} from "../src/index.ts";
import {
  type AddressSubjects,
  connectLink,
  createNatsTransport,
  type Link,
  type LinkOptions,
} from "../src/transport/nats/index.ts";
import { startHost as startExample } from "./examples/05-nats.ts";

const Echo = {
  actor: "echo",
  messages: {
    Say: { request: z.object({ text: z.string() }), reply: z.object({ text: z.string(), heard: z.int() }) },
    Note: { request: z.object({ text: z.string() }) },
    Hang: { request: z.object({}), reply: z.object({}) },
    Refuse: { request: z.object({}), reply: z.object({}) },
    Stop: { request: z.object({}) },
  },
} as const;

const echo = (): Behavior<CommandOf<typeof Echo>> =>
  setup<CommandOf<typeof Echo>>(() => {
    let heard = 0;
    return receive({
      Say: ({ text }, replyTo) => replyTo.success({ text, heard }),
      Note: () => {
        heard += 1;
      },
      Hang: () => undefined,
      Refuse: (_message, replyTo) =>
        replyTo.refuse({ code: "NO", message: "not today", retryable: true, details: { day: "Sunday" } }),
      Stop: () => stopped(),
    });
  });

const subjects: AddressSubjects = {
  of: ({ host, actor, key }, verb) => `test.${host}.${actor}.${key}.${verb}`,
  pattern: ({ host, actor, key }) => `test.${host}.${actor}.${key}.*`,
  verbOf: (subject) => subject.slice(subject.lastIndexOf(".") + 1),
};
const clock = createSystemClock();

interface Host {
  readonly system: ActorSystem;
  readonly transport: Transport;
  readonly link: Link;
}

let server: NatsServer;
const hosts: Host[] = [];

const startHost = async (
  host: string,
  options: Partial<LinkOptions> = {},
  logger: Logger = silentLogger,
): Promise<Host> => {
  const link = await connectLink({ servers: server.url, name: host, clock, logger, ...options });
  const { inboxPrefix } = options;
  const transport = createNatsTransport({
    self: host,
    connection: link.connection,
    subjects,
    clock,
    logger,
    ...(inboxPrefix === undefined ? {} : { inboxPrefix }),
  });
  const newId = createIdSource(clock, systemRng);
  const system = createActorSystem({ host, transport, clock, rng: systemRng, logger, newId });
  const started = { system, transport, link };
  hosts.push(started);
  return started;
};
const stopHost = async ({ system, transport, link }: Host): Promise<void> => {
  await system.stop(60_000);
  await transport.close(60_000);
  await link.close();
};

beforeAll(async () => {
  server = await natsServer();
});
afterEach(async () => {
  await Promise.all(hosts.splice(0).map(stopHost));
});
afterAll(async () => {
  await server.stop();
});

const soon = { timeoutMs: 120_000 };

describe("over a real server", () => {
  test("an exposed actor is told, asked, and refuses, as if it were here", async () => {
    const zeus = await startHost("zeus");
    const hades = await startHost("hades");
    zeus.system.expose(Echo, "one", zeus.system.spawn(echo(), "echo"), { as: "master" });
    await zeus.link.connection.flush();
    const remote = hades.system.remote(Echo, { host: "zeus", key: "one" });
    for (let n = 0; n < 100; n += 1) remote.tell({ type: "Note", text: "a" });
    expect(await remote.ask({ type: "Say", text: "grüß dich" }, soon)).toEqual({ text: "grüß dich", heard: 100 });
    await expect(remote.ask({ type: "Refuse" }, soon)).rejects.toMatchObject({
      code: "NO",
      message: "not today",
      retryable: true,
      details: { day: "Sunday" },
    });
    const master = hades.system.remote(Echo, { host: "master", key: "one" });
    expect(await master.ask({ type: "Say", text: "x" }, soon)).toMatchObject({ heard: 100 });
  });

  test("many asks at once each get their own answer", async () => {
    const zeus = await startHost("zeus");
    const hades = await startHost("hades");
    zeus.system.expose(Echo, "-", zeus.system.spawn(echo(), "echo"));
    await zeus.link.connection.flush();
    const remote = hades.system.remote(Echo, { host: "zeus" });
    const texts = Array.from({ length: 5000 }, (_, n) => `text ${n}`);
    const answers = await Promise.all(texts.map((text) => remote.ask({ type: "Say", text }, soon)));
    expect(answers.map(({ text }) => text)).toEqual(texts);
  });

  test("nobody there is known at once; an actor that is silent is not", async () => {
    const zeus = await startHost("zeus");
    const hades = await startHost("hades");
    await expect(hades.system.remote(Echo, { host: "nowhere" }).ask({ type: "Hang" }, soon)).rejects.toBeInstanceOf(
      NotReachable,
    );
    zeus.system.expose(Echo, "-", zeus.system.spawn(echo(), "echo"));
    await zeus.link.connection.flush();
    const hanging = hades.system.remote(Echo, { host: "zeus" }).ask({ type: "Hang" }, { timeoutMs: 50 });
    await expect(hanging).rejects.toBeInstanceOf(AskTimeout);
  });

  test("strangers with a plain client are answered, whatever they send", async () => {
    const zeus = await startHost("zeus");
    const stranger = await startHost("stranger");
    zeus.system.expose(Echo, "-", zeus.system.spawn(echo(), "echo"));
    await zeus.link.connection.flush();
    const ask = async (verb: string, body: string): Promise<unknown> =>
      (await stranger.link.connection.request(`test.zeus.echo.-.${verb}`, body, { timeout: 60_000 })).json();
    expect(await ask("say", '{"text":"hi"}')).toEqual({ text: "hi", heard: 0 });
    expect(await ask("say", "{")).toMatchObject({ error: { code: "BAD_MESSAGE" } });
    expect(await ask("shout", "{}")).toMatchObject({ error: { code: "UNKNOWN_VERB" } });
    expect(await ask("note", '{"text":"hi"}')).toEqual({});
    expect(await ask("say", '{"text":"still here"}')).toMatchObject({ heard: 1 });
  });

  test("a listener that throws does not silence the connection", async () => {
    const zeus = await startHost("zeus");
    const hades = await startHost("hades");
    zeus.transport.serve({ host: "zeus", actor: "broken", key: "-" }, () => {
      throw new Error("a bug");
    });
    zeus.system.expose(Echo, "-", zeus.system.spawn(echo(), "echo"));
    await zeus.link.connection.flush();
    hades.transport.send({ host: "zeus", actor: "broken", key: "-" }, "x", new Uint8Array(0), {});
    const remote = hades.system.remote(Echo, { host: "zeus" });
    expect(await remote.ask({ type: "Say", text: "alive" }, soon)).toMatchObject({ text: "alive" });
  });

  test("whoever closes first answers all that has come in, however long that takes", async () => {
    const zeus = await startHost("zeus");
    const hades = await startHost("hades");
    const door = { host: "zeus", actor: "slow", key: "-" };
    const closings: Promise<void>[] = [];
    zeus.transport.serve(door, (_verb, body, _headers, reply) => {
      if (closings.length === 0) closings.push(stopHost(zeus));
      const until = performance.now() + 5;
      while (performance.now() < until);
      reply?.(body, {});
    });
    await zeus.link.connection.flush();
    const asks = Array.from({ length: 200 }, () =>
      hades.transport.request(door, "x", new Uint8Array(1), {}, soon.timeoutMs),
    );
    expect(await Promise.all(asks)).toHaveLength(200);
    await Promise.all(closings);
    hosts.splice(hosts.indexOf(zeus), 1);
  });

  test("watching from elsewhere: stopped when the actor ends, unreachable when its host is gone", async () => {
    const zeus = await startHost("zeus");
    const hera = await startHost("hera");
    const hades = await startHost("hades");
    const ends: string[] = [];
    for (const { system } of [zeus, hera]) system.expose(Echo, "-", system.spawn(echo(), "echo"));
    await Promise.all([zeus, hera].map(({ link }) => link.connection.flush()));
    const remotes = ["zeus", "hera"].map((host) => hades.system.remote(Echo, { host }));
    hades.system.spawn(
      setup<{ type: "Gone"; what: string } | Asking<{ type: "Ready" }, true>>((context) => {
        for (const ref of remotes) context.watch(ref, (reason) => ({ type: "Gone", what: `${ref.path} ${reason}` }));
        return receive({
          Gone: ({ what }) => void ends.push(what),
          Ready: (_message, replyTo) => replyTo.success(true),
        });
      }),
      "watcher",
    );
    await hades.link.connection.flush();
    remotes[0]?.tell({ type: "Stop" });
    await eventually(() => ends.length === 1, { withinMs: 90_000 });
    expect(ends).toEqual(["zeus/echo/- stopped"]);
    await stopHost(hera);
    hosts.splice(hosts.indexOf(hera), 1);
    await eventually(() => ends.length === 2, { withinMs: 90_000 });
    expect(ends[1]).toBe("hera/echo/- unreachable");
  });
});

test("the README's host on NATS", async () => {
  const there = await startExample("zeus", server.url);
  const here = await startExample("hades", server.url);
  try {
    there.system.expose(Echo, "-", there.system.spawn(echo(), "echo"));
    const remote = here.system.remote(Echo, { host: "zeus" });
    const answer = await eventually(() => remote.ask({ type: "Say", text: "hi" }, soon));
    expect(answer).toEqual({ text: "hi", heard: 0 });
  } finally {
    await here.stop();
    await there.stop();
  }
});

describe("the link", () => {
  test("survives the server: asks fail at once while it is down, and work when it is back", async () => {
    const zeus = await startHost("zeus");
    const hades = await startHost("hades");
    zeus.system.expose(Echo, "-", zeus.system.spawn(echo(), "echo"));
    await zeus.link.connection.flush();
    const remote = hades.system.remote(Echo, { host: "zeus" });
    const seen: boolean[] = [];
    hades.transport.onLink((up) => seen.push(up));
    await server.kill9();
    await eventually(() => !hades.transport.up && !hades.link.up);
    await expect(remote.ask({ type: "Say", text: "x" }, soon)).rejects.toBeInstanceOf(LinkDown);
    remote.tell({ type: "Note", text: "lost" });
    expect(hades.system.deadLetters.recent.at(-1)).toMatchObject({ type: "Note", reason: "transport" });
    await server.restart();
    await eventually(() => hades.transport.up && zeus.transport.up, { withinMs: 90_000 });
    const answer = await eventually(() => remote.ask({ type: "Say", text: "back" }, soon), { withinMs: 90_000 });
    expect(answer).toEqual({ text: "back", heard: 0 });
    expect(seen).toEqual([false, true]);
  });

  test("notices a server that is frozen, and recovers when it thaws", async () => {
    const hades = await startHost("hades");
    await server.freeze();
    try {
      await eventually(() => !hades.link.up, { withinMs: 90_000, describe: "the link is seen down" });
    } finally {
      server.thaw();
    }
    await eventually(() => hades.link.up, { withinMs: 90_000, describe: "the link is up again" });
  });

  test("starts over when somebody's callback has killed the client's reader", async () => {
    const hades = await startHost("hades");
    hades.link.connection.subscribe("poison", {
      callback: () => {
        throw new Error("unguarded");
      },
    });
    await hades.link.connection.flush();
    const changes: boolean[] = [];
    hades.link.onChange((up) => changes.push(up));
    const other = await startHost("other");
    other.link.connection.publish("poison");
    await eventually(() => changes.includes(true), { withinMs: 90_000, describe: "the link was started over" });
    await hades.link.connection.flush();
  });

  test("waits for a server that comes late, and says so when none comes", async () => {
    const { url } = server;
    await server.kill9();
    const late = connectLink({ servers: url, name: "late", clock, logger: silentLogger, firstConnectMs: 120_000 });
    await expect(
      connectLink({ servers: url, name: "none", clock, logger: silentLogger, firstConnectMs: 300 }),
    ).rejects.toMatchObject({ code: "LINK_UNREACHABLE", retryable: true });
    await server.restart();
    const link = await late;
    expect(link.up).toBe(true);
    await link.close();
  });

  test("what the server does not permit is refused at once", async () => {
    const strict = await natsServer({
      config: `authorization { users: [
        { user: weak, password: pw, permissions: { publish: ["allowed.>"], subscribe: ["_INBOX.>"] } }
      ] }`,
    });
    try {
      const weak = await startHost("weak", { servers: strict.url, user: "weak", password: "pw" });
      await expect(weak.system.remote(Echo, { host: "zeus" }).ask({ type: "Hang" }, soon)).rejects.toMatchObject({
        code: "NOT_PERMITTED",
      });
      await expect(
        connectLink({ servers: strict.url, name: "x", clock, logger: silentLogger, user: "weak", password: "no" }),
      ).rejects.toMatchObject({ code: "NOT_PERMITTED" });
      await Promise.all(hosts.splice(0).map(stopHost));
    } finally {
      await strict.stop();
    }
  });
});
