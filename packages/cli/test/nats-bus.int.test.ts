import { createServer } from "node:net";
import { createSystemClock } from "@castellan/kernel";
import type { NatsSettings } from "@castellan/protocol";
import { eventually, type NatsServer, natsServer } from "@castellan/testkit";
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
    const answer = await bus.request("svc", bytes("hello"), 2000, { question: "LOCKED" });
    expect({ body: text(answer.body), headers: answer.headers }).toEqual({
      body: "hello!",
      headers: { "actor-error": "LOCKED" },
    });
    service.unsubscribe();
  });

  it("tells apart that nobody listens and that nobody answers in time", async () => {
    await expect(bus.request("nobody", bytes(""), 2000)).rejects.toMatchObject({ code: "NOT_REACHABLE" });
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

  it("listens across a restart of the server", async () => {
    const got: string[] = [];
    const feed = await bus.subscribe("news", (message) => got.push(text(message.body)));
    await eventually(async () => {
      peer.publish("news", "a");
      await peer.flush();
      return got.includes("a");
    });
    await server.kill9();
    await server.restart();
    await eventually(
      () => {
        peer.publish("news", "b");
        return got.includes("b");
      },
      { withinMs: 15_000 },
    );
    feed.close();
  });

  it("says that a server is not there, and that one refuses us", async () => {
    const nowhere = createNatsBus(at("nats://127.0.0.1:1"), createSystemClock());
    await expect(nowhere.request("x", bytes(""), 1000)).rejects.toMatchObject({ code: "NOT_REACHABLE" });
    await nowhere.close();
    const guarded = await natsServer({ config: 'authorization { token: "secret" }' });
    const stranger = createNatsBus(at(guarded.url), createSystemClock());
    try {
      await expect(stranger.request("x", bytes(""), 1000)).rejects.toMatchObject({ code: "NOT_PERMITTED" });
    } finally {
      await stranger.close();
      await guarded.stop();
    }
  });
});

describe("the probe", () => {
  it("finds a server that answers, and none where there is none", async () => {
    expect(await probeNats(server.url)).toBe(true);
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
