import { createManualClock } from "@castellan/actor/testing";
import { CastellanError, createSeededRng, silentLogger } from "@castellan/kernel";
import { createSubjects } from "@castellan/protocol";
import { describe, expect, it } from "vitest";
import { createEventPublisher } from "../../src/event/event-publisher.ts";
import type { BusMessage } from "../../src/outbox/bus-publisher.ts";

function world(capacity = 100) {
  const clock = createManualClock();
  const sent: string[] = [];
  let ids = 0;
  const bus = {
    refuse: null as CastellanError | null,
    async publish({ body, subject }: BusMessage): Promise<void> {
      await Promise.resolve();
      if (bus.refuse) throw bus.refuse;
      sent.push(`${subject.split(".").at(-2)} ${new TextDecoder().decode(body)}`);
    },
  };
  const publisher = createEventPublisher({
    identity: { node: "ips1", server: "hades" },
    subjects: createSubjects("ips1"),
    bus,
    clock,
    rng: createSeededRng(1),
    newId: () => `e${++ids}`,
    log: silentLogger,
    capacity,
  });
  const publish = (process: string, data: unknown): void =>
    publisher.publish(
      { kind: "process", server: "hades", process, what: "failed" },
      { type: "castellan.process.failed", data },
    );
  return { bus, clock, publish, publisher, sent };
}

describe("event publisher", () => {
  it("keeps the order of each subject", async () => {
    const { clock, publish, sent } = world();
    for (const at of [1, 2, 3]) {
      publish("wis_1", at);
      publish("bg_1", at);
    }
    await clock.settle();
    expect(sent.filter((line) => line.startsWith("wis_1"))).toEqual(["wis_1 1", "wis_1 2", "wis_1 3"]);
    expect(sent).toHaveLength(6);
  });

  it("waits while the bus is away, drops the oldest beyond its bound, and says how many", async () => {
    const { bus, clock, publish, publisher, sent } = world(3);
    bus.refuse = new CastellanError("BUS_UNAVAILABLE", "away", { retryable: true });
    for (const at of [1, 2, 3, 4, 5]) publish("wis_1", at);
    await clock.run(10_000);
    expect([publisher.waiting, publisher.dropped]).toEqual([3, 2]);
    bus.refuse = null;
    await clock.run(3000);
    expect(sent).toEqual(["wis_1 3", "wis_1 4", "wis_1 5"]);
  });

  it("drops what the bus will never take, and what cannot be written, and goes on", async () => {
    const { bus, clock, publish, publisher, sent } = world();
    bus.refuse = new CastellanError("TOO_LARGE", "never", { retryable: false });
    publish("wis_1", 1);
    await clock.settle();
    bus.refuse = null;
    publish("wis_1", 10n);
    publish("wis_1", 2);
    await clock.settle();
    expect([sent, publisher.dropped]).toEqual([["wis_1 2"], 2]);
  });

  it("gives up what still waits at the deadline of its stop, and takes no more", async () => {
    const { bus, clock, publish, publisher } = world();
    bus.refuse = new CastellanError("BUS_UNAVAILABLE", "away", { retryable: true });
    publish("wis_1", 1);
    const stopped = publisher.stop(2000);
    await clock.run(2100);
    await stopped;
    publish("wis_1", 2);
    expect([publisher.waiting, publisher.dropped, clock.waiting]).toEqual([0, 1, 0]);
  });
});
