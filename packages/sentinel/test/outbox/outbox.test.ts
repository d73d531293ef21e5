import { type ActorSystem, createActorSystem } from "@castellan/actor";
import { createManualClock } from "@castellan/actor/testing";
import { CastellanError, createSeededRng, silentLogger } from "@castellan/kernel";
import { createSubjects, Outbox } from "@castellan/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { createAlertSink } from "../../src/outbox/alert-sink.ts";
import type { BusMessage } from "../../src/outbox/bus-publisher.ts";
import { createOutbox } from "../../src/outbox/outbox.ts";
import { openOutboxFile } from "../../src/outbox/outbox-file.ts";
import { anAlert } from "./alerts.ts";
import { createMemoryDisk, type MemoryDisk } from "./memory-disk.ts";

const subjects = createSubjects("ips1");
const systems: ActorSystem[] = [];
afterEach(async () => {
  for (const system of systems.splice(0)) await system.stop(1000);
});

let ids = 0;
const newId = (): string => `id-${String(++ids).padStart(8, "0")}`;

function world(disk: MemoryDisk = createMemoryDisk()) {
  const clock = createManualClock();
  const rng = createSeededRng(3);
  const system = createActorSystem({ host: "hades", clock, rng, newId, logger: silentLogger, encodeLocally: true });
  systems.push(system);
  const sent: BusMessage[] = [];
  const bus = {
    fails: false,
    async publish(message: BusMessage): Promise<void> {
      if (bus.fails) throw new CastellanError("BUS_UNAVAILABLE", "away", { retryable: true });
      sent.push(message);
    },
  };
  const ref = system.spawn(
    createOutbox({
      identity: { node: "ips1", server: "hades" },
      subjects,
      bus,
      open: () => openOutboxFile({ disk, newId, damagedAlert: () => anAlert(), limits: { reserveBytes: 10 } }),
    }),
    "outbox",
  );
  system.expose(Outbox, "-", ref);
  const outbox = system.remote(Outbox, { host: "hades" });
  const stop = new AbortController();
  const sink = createAlertSink({ outbox, clock, rng, newId, log: silentLogger, signal: stop.signal });
  const numbers = (): string[] => sent.map(({ headers }) => headers["castellan-number"] ?? "");
  return { clock, bus, disk, sent, numbers, outbox, sink, stop, system };
}

describe("outbox", () => {
  it("answers when the alert is on disk and publishes it as a CloudEvent on the public subject", async () => {
    const { clock, sent, sink, disk } = world();
    await clock.settle();
    const done = sink.report("raised", anAlert({ subject: "/tmp/ä" }));
    await clock.settle();
    await done;
    expect(disk.files.get("000000000001.log")?.length).toBeGreaterThan(100);
    expect(sent[0]?.subject).toBe("castellan.ips1.evt.alert.error.hades.error-file");
    expect(sent[0]?.headers).toMatchObject({
      "ce-type": "castellan.alert.raised",
      "ce-source": "/castellan/ips1/hades",
      "ce-subject": "/tmp/%C3%A4",
      "castellan-number": "1",
      "castellan-oldest": "1",
    });
    expect(sent[0]?.headers["ce-id"]).toBe(sent[0]?.messageId);
    expect(JSON.parse(new TextDecoder().decode(sent[0]?.body))).toEqual(anAlert({ subject: "/tmp/ä" }));
  });

  it("keeps accepting while the bus is away, and publishes in order when it is back", async () => {
    const { bus, clock, numbers, sink } = world();
    bus.fails = true;
    const reports = Promise.all(
      Array.from({ length: 5 }, (_, at) => sink.report("raised", anAlert({ cause: `c${at}` }))),
    );
    await clock.run(500);
    await reports;
    await clock.run(20_000);
    expect(numbers()).toEqual([]);
    bus.fails = false;
    await clock.run(3000);
    expect(numbers()).toEqual(["1", "2", "3", "4", "5"]);
  });

  it("sends again until the desk confirms, then never more; not in the next life either", async () => {
    const first = world();
    const done = first.sink.report("raised", anAlert());
    await first.clock.run(500);
    await done;
    await first.clock.run(6000);
    expect(first.numbers()).toEqual(["1", "1"]);
    expect(new Set(first.sent.map(({ messageId }) => messageId)).size).toBe(2);
    expect(new Set(first.sent.map(({ headers }) => headers["ce-id"])).size).toBe(1);
    const id = first.sent[0]?.headers["castellan-outbox"] ?? "";
    first.outbox.tell({ type: "Confirm", outbox: id, number: 1 });
    await first.clock.run(120_000);
    expect(first.numbers()).toEqual(["1", "1"]);
    const second = world(createMemoryDisk(first.disk.files));
    await second.clock.run(120_000);
    expect(second.numbers()).toEqual([]);
  });

  it("publishes what its predecessor left, when it was killed before anything was sent", async () => {
    const first = world();
    first.bus.fails = true;
    const done = first.sink.report("raised", anAlert());
    await first.clock.run(500);
    await done;
    const second = world(createMemoryDisk(first.disk.files));
    await second.clock.run(1000);
    expect(second.numbers()).toEqual(["1"]);
  });

  it("answers the desk's question for what it missed", async () => {
    const { clock, numbers, outbox, sent, sink } = world();
    const reports = Promise.all(["a", "b", "c"].map((cause) => sink.report("raised", anAlert({ cause }))));
    await clock.run(500);
    await reports;
    outbox.tell({ type: "Resend", outbox: sent[0]?.headers["castellan-outbox"] ?? "", after: 1 });
    outbox.tell({ type: "Resend", outbox: "another", after: 0 });
    await clock.settle();
    expect(numbers()).toEqual(["1", "2", "3", "2", "3"]);
  });

  it("takes a new id when its files are an older copy, so that nothing new is taken for known", async () => {
    const old = world();
    const done = old.sink.report("raised", anAlert({ cause: "old" }));
    await old.clock.run(500);
    await done;
    const { clock, disk, numbers, outbox, sent, sink } = world(createMemoryDisk(new Map(old.disk.files)));
    await clock.settle();
    const id = sent[0]?.headers["castellan-outbox"] ?? "";
    const report = sink.report("raised", anAlert({ cause: "new" }));
    await clock.settle();
    await report;
    // Before its files were put back, this outbox had come to number 80.
    outbox.tell({ type: "Confirm", outbox: id, number: 80 });
    await clock.settle();
    expect(numbers()).toEqual(["1", "2", "2"]);
    expect(sent[2]?.headers).toMatchObject({ "castellan-oldest": "2", "ce-id": sent[1]?.headers["ce-id"] });
    expect(sent[2]?.headers["castellan-outbox"]).not.toBe(id);
    expect(sent[2]?.messageId).not.toBe(sent[1]?.messageId);
    const next = world(createMemoryDisk(disk.files));
    await next.clock.settle();
    expect(next.numbers()).toEqual(["2"]);
    expect(next.sent[0]?.headers["castellan-outbox"]).toBe(sent[2]?.headers["castellan-outbox"]);
  });

  it("sends nothing twice that was confirmed when somebody makes up a number", async () => {
    const { clock, numbers, outbox, sent, sink } = world();
    const report = async (cause: string): Promise<void> => {
      const done = sink.report("raised", anAlert({ cause }));
      await clock.settle();
      await done;
    };
    await clock.settle();
    await report("recorded");
    outbox.tell({ type: "Confirm", outbox: sent[0]?.headers["castellan-outbox"] ?? "", number: 1 });
    await report("on its way");
    for (const number of [9_000_000, 9_000_001]) {
      outbox.tell({ type: "Confirm", outbox: sent.at(-1)?.headers["castellan-outbox"] ?? "", number });
      await clock.settle();
    }
    expect(numbers()).toEqual(["1", "2", "2", "2"]);
    expect(sent.at(-1)?.headers["castellan-oldest"]).toBe("2");
  });

  it("lets reports wait while the disk is full or read-only, in order for each cause, and loses none", async () => {
    const { clock, disk, sink, sent } = world();
    disk.refuse = "EROFS";
    const settled: string[] = [];
    const reports = ["raised", "repeated", "resolved"] as const;
    const all = Promise.all(reports.map((phase) => sink.report(phase, anAlert()).then(() => settled.push(phase))));
    await clock.run(30_000);
    expect(settled).toEqual([]);
    disk.refuse = null;
    await clock.run(10_000);
    await all;
    expect(settled).toEqual([...reports]);
    expect(sent.slice(0, 3).map(({ headers }) => headers["ce-type"])).toEqual(
      reports.map((phase) => `castellan.alert.${phase}`),
    );
  });

  it("counts a report once whose answer came too late", async () => {
    const { clock, disk, sink, numbers } = world();
    await clock.settle();
    const release = disk.hold();
    const done = sink.report("raised", anAlert());
    await clock.run(6000);
    release();
    await clock.run(4000);
    await done;
    expect(new Set(numbers())).toEqual(new Set(["1"]));
  });

  it("publishes whatever a stranger may report, and what comes after it", async () => {
    const { clock, outbox, sent, disk } = world();
    await clock.settle();
    const strange = [
      anAlert({ subject: "half a pair \ud83d" }),
      anAlert({ details: { dedupKey: "k".repeat(900_000), count: 3 } }),
      anAlert({ details: { count: ["x".repeat(300_000)], dedupKey: ["x"] } }),
      anAlert({ subject: "sane" }),
    ];
    const answers = Promise.all(
      strange.map((alert) => outbox.ask({ type: "Report", phase: "raised", alert }, { timeoutMs: 1000 })),
    );
    await clock.run(2000);
    expect(await answers).toEqual([1, 2, 3, 4].map((number) => ({ number })));
    expect(sent.map(({ headers }) => headers["castellan-number"])).toEqual(["1", "2", "3", "4"]);
    expect(sent[0]?.headers["ce-subject"]).toBe("half%20a%20pair%20%EF%BF%BD");
    expect(Math.max(...sent.map(({ body }) => body.length))).toBeLessThan(2000);
    const next = world(createMemoryDisk(disk.files));
    await next.clock.settle();
    expect(next.numbers()).toEqual(["1", "2", "3", "4"]);
  });

  it("bounds the waiting reports and lets go of them when the sentinel stops", async () => {
    const { clock, disk, outbox, stop } = world();
    disk.refuse = "ENOSPC";
    const rng = createSeededRng(4);
    const small = createAlertSink({ outbox, clock, rng, newId, log: silentLogger, signal: stop.signal, maxWaiting: 1 });
    const waits = small.report("raised", anAlert()).catch((error: unknown) => error);
    await expect(small.report("raised", anAlert())).rejects.toMatchObject({ code: "ALERTS_WAITING" });
    await clock.run(1000);
    stop.abort();
    await clock.run(6000);
    expect(await waits).toMatchObject({ code: "STOPPING" });
  });
});
