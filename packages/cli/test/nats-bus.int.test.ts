import { createServer } from "node:net";
import { createSystemClock } from "@castellan/kernel";
import type { NatsSettings } from "@castellan/protocol";
import { eventually, type NatsServer, natsServer } from "@castellan/testkit";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, headers, type NatsConnection } from "nats";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createNatsBus, type NatsBus } from "../src/bus/nats-bus.ts";
import { probeNats } from "../src/bus/probe.ts";

const text = (body: Uint8Array): string => new TextDecoder().decode(body);
const bytes = (body: string): Uint8Array => new TextEncoder().encode(body);
const at = (url: string): NatsSettings => ({ url, credentials: null, tls: null });

let server: NatsServer;
let peer: NatsConnection;
let bus: NatsBus;
beforeAll(async () => {
  server = await natsServer();
  peer = await connect({ servers: server.url });
});
afterAll(async () => {
  await peer.close();
  await server.stop();
});
beforeEach(() => {
  bus = createNatsBus(at(server.url), createSystemClock());
});
afterEach(() => bus.close());

describe("the bus of an administrator", () => {
  it("asks and is answered, with headers both ways", async () => {
    const service = peer.subscribe("svc", {
      callback: (_error, message) => {
        const answer = headers();
        answer.set("Actor-Error", message.headers?.get("question") ?? "none");
        message.respond(bytes(`${text(message.data)}!`), { headers: answer });
      },
    });
    await peer.flush();
    const answer = await bus.request("svc", bytes("hello"), 20_000, { question: "LOCKED" });
    expect({ body: text(answer.body), headers: answer.headers }).toEqual({
      body: "hello!",
      headers: { "actor-error": "LOCKED" },
    });
    service.unsubscribe();
  });

  it("tells apart that nobody listens and that nobody answers in time", async () => {
    await expect(bus.request("nobody", bytes(""), 20_000)).rejects.toMatchObject({ code: "NOT_REACHABLE" });
    const mute = peer.subscribe("mute", { callback: () => undefined });
    await peer.flush();
    await expect(bus.request("mute", bytes(""), 100)).rejects.toMatchObject({ code: "TIMED_OUT" });
    mute.unsubscribe();
  });

  it("delivers what was published just before it closes", async () => {
    const got: string[] = [];
    const listening = peer.subscribe("told.>", { callback: (_error, message) => void got.push(text(message.data)) });
    await peer.flush();
    const publishing = bus.publish("told.x", bytes("one"), { a: "b" });
    await bus.close();
    await publishing;
    await eventually(() => got.length === 1);
    listening.unsubscribe();
  });

  it("says that a server is not there, and that one refuses us", async () => {
    const nowhere = createNatsBus(at("nats://127.0.0.1:1"), createSystemClock());
    await expect(nowhere.request("x", bytes(""), 1000)).rejects.toMatchObject({ code: "NOT_REACHABLE" });
    await nowhere.close();
    const guarded = await natsServer({ config: 'authorization { token: "secret" }' });
    const stranger = createNatsBus(at(guarded.url), createSystemClock());
    try {
      await expect(stranger.request("x", bytes(""), 20_000)).rejects.toMatchObject({ code: "NOT_PERMITTED" });
    } finally {
      await stranger.close();
      await guarded.stop();
    }
  });
});

describe("the probe", () => {
  it("finds a server that answers, and none where there is none", async () => {
    expect(await probeNats(server.url, 20_000)).toBe(true);
    expect(await probeNats("nats://127.0.0.1:1")).toBe(false);
    expect(await probeNats("not an address")).toBe(false);
    expect(await probeNats("nats://127.0.0.1:99999")).toBe(false);
  });

  it("does not take a mute or a foreign server for one", async () => {
    const greetings = ["", "HTTP/1.1 400 Bad Request\r\n"];
    for (const greeting of greetings) {
      const other = createServer((socket) => void (greeting === "" ? socket.resume() : socket.end(greeting)));
      await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
      const address = other.address();
      const port = typeof address === "object" ? address?.port : 0;
      expect(await probeNats(`nats://127.0.0.1:${port}`, 200)).toBe(false);
      await new Promise((resolve) => other.close(resolve));
    }
  });
});

/** A stream is made on a disk, which may take its time. */
const PATIENT = { timeout: 60_000 };

describe("the tail of a stream", () => {
  let stored: NatsServer;
  let publisher: NatsConnection;
  let follower: NatsBus;
  const got: string[] = [];
  let caughtUp = 0;
  const listener = {
    message: ({ body }: { readonly body: Uint8Array }) => void got.push(text(body)),
    caughtUp: () => {
      caughtUp += 1;
    },
  };
  const tail = (sinceMs: number | null = null) =>
    follower.tail({ stream: "EVENTS", subject: "evt.alert.>", sinceMs }, listener);
  const makeStream = async (): Promise<void> => {
    const manager = await jetstreamManager(publisher, PATIENT);
    await manager.streams.add({ name: "EVENTS", subjects: ["evt.>"], storage: "file" });
  };
  /** What follows may be told only once the bus is there again. */
  const store = (word: string, subject = "evt.alert.x") =>
    eventually(async () => (await jetstream(publisher).publish(subject, word, { msgID: word, timeout: 500 })).seq, {
      withinMs: 30_000,
    });
  const gets = (...words: string[]) =>
    eventually(() => expect(got).toEqual(words), { withinMs: 30_000, describe: `all of ${words.join(", ")}` });

  beforeEach(async () => {
    got.splice(0);
    caughtUp = 0;
    stored = await natsServer({ jetstream: true });
    publisher = await connect({ servers: stored.url, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
    follower = createNatsBus(at(stored.url), createSystemClock());
  });
  afterEach(async () => {
    await follower.close();
    await publisher.close();
    await stored.stop();
  });

  it("begins now, or so long ago, and says when the past is over", async () => {
    await makeStream();
    await store("old");
    const now = await tail();
    await eventually(() => expect(caughtUp).toBe(1));
    await store("new");
    await store("other", "evt.node.x");
    await gets("new");
    now.close();
    got.splice(0);
    const all = await tail(3_600_000);
    await gets("old", "new");
    await eventually(() => expect(caughtUp).toBe(2));
    all.close();
  });

  it("leaves nothing out that is stored while it is cut off, whatever becomes of the server", async () => {
    await makeStream();
    const feed = await tail();
    await eventually(() => expect(caughtUp).toBe(1));
    await store("a");
    await gets("a");
    await store("b");
    await stored.kill9();
    await stored.restart();
    for (const word of ["c", "d", "e"]) await store(word);
    await gets("a", "b", "c", "d", "e");
    feed.close();
  });

  it("goes on with a stream that was lost and made anew, and waits for one that is not there yet", async () => {
    const feed = await tail();
    await makeStream();
    await eventually(() => expect(caughtUp).toBe(1), { withinMs: 30_000 });
    for (const word of ["a", "b", "c"]) await store(word);
    await gets("a", "b", "c");
    await (await jetstreamManager(publisher, PATIENT)).streams.delete("EVENTS");
    await makeStream();
    for (const word of ["d", "e", "f", "g"]) await store(word);
    await gets("a", "b", "c", "d", "e", "f", "g");
    feed.close();
  });
});
