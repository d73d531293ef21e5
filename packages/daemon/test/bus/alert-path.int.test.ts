import { rm } from "node:fs/promises";
import { type ActorSystem, createActorSystem } from "@castellan/actor";
import { connectLink, type Link } from "@castellan/actor/nats";
import { createIdSource, createSystemClock, silentLogger, systemRng } from "@castellan/kernel";
import { type Alert, createSubjects, Outbox } from "@castellan/protocol";
import { type AlertSink, createAlertSink, createOutbox, createOutboxDisk, openOutboxFile } from "@castellan/sentinel";
import { type Gateway, insert, StoreUnavailable } from "@castellan/store";
import { openGateway } from "@castellan/store/typeorm";
import { eventually, type NatsServer, natsServer, type TempHome, tempHome } from "@castellan/testkit";
import { createDesk, type DeskCommand } from "@castellan/work-item";
import { jetstreamManager } from "@nats-io/jetstream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type AlertFeed, createAlertFeed } from "../../src/bus/alert-feed.ts";
import { createBusPublisher } from "../../src/bus/bus-publisher.ts";
import { ensureEventsStream } from "../../src/bus/events-stream.ts";

const clock = createSystemClock();
const rng = systemRng;
const newId = createIdSource(clock, rng);
const log = silentLogger;
const subjects = createSubjects("ips1");

const anAlert = (cause: string, summary = "1888 something failed"): Alert => ({
  kind: "error-file",
  server: "hades",
  subject: "/home/logs/sw_error",
  severity: "error",
  summary,
  occurredAt: clock.now().toISOString(),
  cause,
  details: {},
});

interface Life {
  readonly system: ActorSystem;
  readonly sink: AlertSink;
  end(): Promise<void>;
}

let home: TempHome;
let server: NatsServer;
let gateway: Gateway;
let life: Life | null = null;
let databaseAway = false;

/** One life of a worker: outbox, sink, desk and feed, on what is on disk, on the bus and in the database. */
async function live(): Promise<Life> {
  const link: Link = await connectLink({ servers: server.url, name: "test", logger: log, clock });
  const { connection } = link;
  await ensureEventsStream({ connection, copies: 1, subjects, clock, log });
  const bus = createBusPublisher({ connection, clock, log });
  const system = createActorSystem({ host: "hades", clock, rng, newId, logger: log, encodeLocally: true });
  const identity = { node: "ips1", server: "hades" };
  const outbox = system.spawn(
    createOutbox({
      identity,
      subjects,
      bus,
      open: () =>
        openOutboxFile({ disk: createOutboxDisk(home.path("outbox")), newId, damagedAlert: () => anAlert("damaged") }),
    }),
    "outbox",
  );
  system.expose(Outbox, "-", outbox);
  const desk = system.spawn<DeskCommand>(
    createDesk({
      epoch: 1,
      identity,
      gateway: {
        ...gateway,
        commit: async (writes) => {
          if (databaseAway) throw new StoreUnavailable("away");
          return gateway.commit(writes);
        },
      },
      subjects,
      bus,
      outboxOf: (host) => system.remote(Outbox, { host }),
      onDeposed: () => undefined,
    }),
    "desk",
  );
  const feed: AlertFeed = createAlertFeed({
    connection,
    copies: 1,
    subjects,
    clock,
    log,
    desk,
  });
  const ending = new AbortController();
  const remote = system.remote(Outbox, { host: "hades" });
  return {
    system,
    sink: createAlertSink({ outbox: remote, clock, rng, newId, log, signal: ending.signal }),
    async end() {
      ending.abort();
      await feed.close();
      await system.stop(30_000);
      bus.close();
      await link.close();
    },
  };
}

beforeEach(async () => {
  home = await tempHome();
  server = await natsServer({ jetstream: true });
  gateway = await openGateway({ url: `sqlite:${home.path("node.db")}`, clock, rng, logger: log, migrate: "always" });
  await gateway.commit([
    insert("node_state", {
      id: 1,
      epoch: 1,
      fence: 0,
      master_id: null,
      nonce: null,
      handover: "planned",
      returned_to: null,
      state: "RUNNING",
      changed_at: clock.now(),
    }),
  ]);
});
afterEach(async () => {
  await life?.end();
  life = null;
  databaseAway = false;
  await gateway.close();
  await server.stop();
  await home.remove();
});

const occurrences = async (): Promise<Record<string, number>> =>
  Object.fromEntries((await gateway.find("work_item")).map((item) => [item.cause, item.occurrences]));

async function storedAlerts(): Promise<number> {
  const link = await connectLink({ servers: server.url, name: "looker", logger: log, clock });
  try {
    const manager = await jetstreamManager(link.connection, { checkAPI: false });
    return (await manager.streams.info("IPS1_EVENTS")).state.messages;
  } finally {
    await link.close();
  }
}

async function report(sink: AlertSink, causes: readonly string[], times: number): Promise<void> {
  await Promise.all(
    causes.flatMap((cause) =>
      Array.from({ length: times }, (_, at) => sink.report(at === 0 ? "raised" : "repeated", anAlert(cause))),
    ),
  );
}

describe("an alert on its way to a work item", () => {
  it("becomes an item, is confirmed and forgotten, and is told to subscribers as a work-item event", async () => {
    life = await live();
    await life.sink.report("raised", anAlert("a"));
    const [item] = await eventually(async () => {
      const items = await gateway.find("work_item");
      return items.length > 0 ? items : null;
    });
    expect(item).toMatchObject({ case_number: 1, queue_name: "swadmin", occurrences: 1, server_name: "hades" });
    await eventually(async () => (await gateway.find("work_item_event", { where: { published: true } })).length === 1);
    await life.sink.report("resolved", anAlert("a"));
    await eventually(async () => (await gateway.find("work_item", { where: { state: "resolved" } })).length === 1);
  });

  it("arrives exactly once although nats-server is killed and comes back in the middle", async () => {
    life = await live();
    const causes = ["a", "b", "c"];
    const early = report(life.sink, causes, 100);
    await eventually(async () => Object.keys(await occurrences()).length > 0);
    await server.kill9();
    await early;
    await report(life.sink, ["d"], 50);
    await server.restart();
    await eventually(async () => expect(await occurrences()).toEqual({ a: 100, b: 100, c: 100, d: 50 }), {
      withinMs: 90_000,
    });
    expect(await gateway.find("alert_dead_letter")).toEqual([]);
  });

  it("arrives although the bus has lost everything it had stored", async () => {
    life = await live();
    await report(life.sink, ["a"], 20);
    await eventually(async () => expect(await occurrences()).toEqual({ a: 20 }));
    await server.kill9();
    await rm(server.storeDir, { recursive: true, force: true });
    await report(life.sink, ["b"], 20);
    await server.restart();
    await eventually(async () => expect(await occurrences()).toEqual({ a: 20, b: 20 }), { withinMs: 90_000 });
  });

  it("is taken up by the next life when the worker died before it was sent, and is not doubled", async () => {
    life = await live();
    await report(life.sink, ["a"], 5);
    await server.kill9();
    await report(life.sink, ["a", "b"], 5);
    const dead = life;
    life = null;
    await dead.end();
    await server.restart();
    life = await live();
    await report(life.sink, ["b"], 1);
    await eventually(async () => expect(await occurrences()).toEqual({ a: 10, b: 6 }), { withinMs: 90_000 });
  });

  it("passes by what strangers publish, which is kept as a dead letter", async () => {
    life = await live();
    const stranger = await connectLink({ servers: server.url, name: "stranger", logger: log, clock });
    stranger.connection.publish("castellan.ips1.evt.alert.error.hades.disk", "not an alert");
    stranger.connection.publish("castellan.ips1.evt.alert.error.hades.disk", new Uint8Array([255, 0]));
    await stranger.connection.flush();
    await stranger.close();
    await life.sink.report("raised", anAlert("a"));
    await eventually(async () => expect(await occurrences()).toEqual({ a: 1 }));
    await eventually(async () => expect(await gateway.find("alert_dead_letter")).toHaveLength(2));
  });

  it("arrives when nats-server was frozen for a while", async () => {
    life = await live();
    await report(life.sink, ["a"], 5);
    await eventually(async () => expect(await occurrences()).toEqual({ a: 5 }));
    await server.freeze();
    const frozenAt = clock.bootMs();
    await report(life.sink, ["a"], 5);
    // Long enough for the client to see it: its pings are a second apart.
    await eventually(() => clock.bootMs() - frozenAt > 4000);
    server.thaw();
    await eventually(async () => expect(await occurrences()).toEqual({ a: 10 }), { withinMs: 90_000 });
  });

  it("is acknowledged on the bus when it is recorded, and only then", async () => {
    life = await live();
    databaseAway = true;
    await report(life.sink, ["a"], 10);
    const link = await connectLink({ servers: server.url, name: "looker", logger: log, clock });
    try {
      const manager = await jetstreamManager(link.connection, { checkAPI: false });
      const info = () => manager.consumers.info("IPS1_EVENTS", "desk__apply");
      await eventually(async () => (await info()).num_ack_pending === 10);
      databaseAway = false;
      await eventually(async () => (await info()).num_ack_pending === 0, { withinMs: 90_000 });
      expect(await occurrences()).toEqual({ a: 10 });
    } finally {
      await link.close();
    }
  });

  it("is there at once for the next desk when the feed ended before it was recorded", async () => {
    life = await live();
    databaseAway = true;
    await report(life.sink, ["a"], 10);
    await eventually(async () => (await storedAlerts()) === 10);
    const ended = life;
    life = null;
    await ended.end();
    databaseAway = false;
    life = await live();
    await eventually(async () => expect(await occurrences()).toEqual({ a: 10 }), { withinMs: 90_000 });
  });
});
