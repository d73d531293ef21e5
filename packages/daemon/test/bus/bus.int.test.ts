import { connectLink, type Link } from "@castellan/actor/nats";
import { createSystemClock, silentLogger } from "@castellan/kernel";
import { createSubjects } from "@castellan/protocol";
import { eventually, type NatsServer, natsServer } from "@castellan/testkit";
import { jetstreamManager } from "@nats-io/jetstream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createBusPublisher } from "../../src/bus/bus-publisher.ts";
import { ensureEventsStream } from "../../src/bus/events-stream.ts";

const clock = createSystemClock();
const log = silentLogger;
const subjects = createSubjects("ips1");
let server: NatsServer;
let link: Link;

beforeEach(async () => {
  server = await natsServer({ jetstream: true });
  link = await connectLink({ servers: server.url, name: "test", logger: log, clock });
});
afterEach(async () => {
  await link.close();
  await server.stop();
});

const copies = 1;
const ensure = () => ensureEventsStream({ connection: link.connection, copies, subjects, clock, log });
const stored = async (): Promise<number> => {
  const manager = await jetstreamManager(link.connection, { checkAPI: false });
  return (await manager.streams.info("IPS1_EVENTS")).state.messages;
};
const message = (messageId: string, bytes = 10) => ({
  subject: "castellan.ips1.evt.node.test",
  headers: { "ce-id": messageId },
  body: new Uint8Array(bytes),
  messageId,
});

describe("events stream", () => {
  it("is made, left alone when it is as wanted, and brought up to date when it differs", async () => {
    await ensure();
    await ensure();
    const manager = await jetstreamManager(link.connection, { checkAPI: false });
    await manager.streams.update("IPS1_EVENTS", { max_bytes: 1024 ** 2 });
    await ensure();
    const { config } = await manager.streams.info("IPS1_EVENTS");
    expect(config).toMatchObject({ subjects: ["castellan.ips1.evt.>"], max_bytes: 256 * 1024 ** 2, discard: "old" });
  });

  it("says what is wrong when there is no JetStream in time", async () => {
    const plain = await natsServer();
    const other = await connectLink({ servers: plain.url, name: "test", logger: log, clock });
    try {
      const attempt = ensureEventsStream({ connection: other.connection, copies, subjects, clock, log, withinMs: 300 });
      await expect(attempt).rejects.toMatchObject({ code: "NO_EVENTS_STREAM", retryable: true });
    } finally {
      await other.close();
      await plain.stop();
    }
  });
});

describe("bus publisher", () => {
  it("stores more than a window in order, and the same message id once", async () => {
    await ensure();
    const publisher = createBusPublisher({
      connection: link.connection,
      clock,
      log,
      maxInFlight: 16,
      deadlineMs: 60_000,
    });
    await Promise.all(Array.from({ length: 1000 }, (_, at) => publisher.publish(message(`m${at}`))));
    await publisher.publish(message("m999"));
    expect(await stored()).toBe(1000);
    publisher.close();
    await expect(publisher.publish(message("late"))).rejects.toMatchObject({ code: "BUS_UNAVAILABLE" });
  });

  it("refuses what the bus will never take, and the connection lives on", async () => {
    await ensure();
    const publisher = createBusPublisher({ connection: link.connection, clock, log });
    await expect(publisher.publish(message("big", 2 * 1024 ** 2))).rejects.toMatchObject({
      code: "EVENT_TOO_LARGE",
      retryable: false,
    });
    const bad = { ...message("bad"), headers: { name: "two\r\nlines" } };
    await expect(publisher.publish(bad)).rejects.toMatchObject({ code: "BAD_EVENT", retryable: false });
    await publisher.publish(message("fine"));
    publisher.close();
  });

  it("says at once that no stream takes events, and when the server is gone; takes events when it is back", async () => {
    const publisher = createBusPublisher({ connection: link.connection, clock, log });
    await expect(publisher.publish(message("early"))).rejects.toMatchObject({
      code: "BUS_UNAVAILABLE",
      retryable: true,
    });
    await ensure();
    const underWay = Promise.allSettled(Array.from({ length: 500 }, (_, at) => publisher.publish(message(`u${at}`))));
    await server.kill9();
    for (const end of await underWay) {
      if (end.status === "rejected") expect(end.reason).toMatchObject({ code: "BUS_UNAVAILABLE" });
    }
    await server.restart();
    await eventually(() => publisher.publish(message("back")), { withinMs: 30_000 });
    publisher.close();
  });

  it("gives up on a frozen server after its deadline", async () => {
    await ensure();
    const publisher = createBusPublisher({ connection: link.connection, clock, log, deadlineMs: 300 });
    await server.freeze();
    const attempt = publisher.publish(message("m"));
    await expect(attempt).rejects.toMatchObject({ code: "BUS_UNAVAILABLE", retryable: true });
    server.thaw();
    await eventually(() => publisher.publish(message("m")), { withinMs: 30_000 });
    publisher.close();
  });
});
