/** Heartbeats on a real bus: the master hears every server, a slave the master alone; what is none is dropped. */
import { connectLink, type Link } from "@castellan/actor/nats";
import { createSystemClock, silentLogger } from "@castellan/kernel";
import { createSubjects, encodeBody } from "@castellan/protocol";
import { eventually, type NatsServer, natsServer } from "@castellan/testkit";
import { afterEach, beforeEach, expect, it } from "vitest";
import { startHeartbeat } from "../../src/bus/heartbeat.ts";
import { type HeardBeat, type Heartbeats, listenHeartbeats } from "../../src/bus/heartbeats.ts";

const clock = createSystemClock();
const log = silentLogger;
const subjects = createSubjects("ips1");
const beat = { incarnation: 3, role: "slave", epoch: 7, sqlAgeMs: 12 } as const;
let server: NatsServer;
let link: Link;
const open: { close(): void }[] = [];

beforeEach(async () => {
  server = await natsServer();
  link = await connectLink({ servers: server.url, name: "test", logger: log, clock });
});
afterEach(async () => {
  for (const { close } of open.splice(0)) close();
  await link.close();
  await server.stop();
});

function listen(of: "all" | { server: string }, onBeat?: (heard: HeardBeat) => void): Heartbeats {
  const bus = {
    onArrival(arrived: (connection: Link["connection"]) => void) {
      arrived(link.connection);
      return () => undefined;
    },
  };
  const heard = listenHeartbeats({ bus, subjects, clock, log, of, ...(onBeat === undefined ? {} : { onBeat }) });
  open.push(heard);
  return heard;
}
const speak = (name: string): void => {
  const subject = subjects.build({ kind: "heartbeat", server: name, part: "worker" });
  const voice = startHeartbeat({ bus: { connection: link.connection }, subject, clock, say: () => beat });
  open.push({ close: () => voice.stop() });
};

it("hears everybody, or one; says when, and what it was told last", async () => {
  const all = listen("all");
  const one = listen({ server: "hades" });
  const begunMs = clock.bootMs();
  speak("hades");
  speak("zeus");
  const first = await eventually(() => {
    expect(all.last("ZEUS")).not.toBeNull();
    return all.last("hades") ?? expect.unreachable();
  });
  expect(first.beat).toEqual({ ...beat, progress: expect.any(Number) });
  expect(first.atMs).toBeGreaterThanOrEqual(begunMs);
  expect(first.atMs).toBeLessThanOrEqual(clock.bootMs());
  await eventually(() => expect(one.last("hades")?.beat.progress).toBeGreaterThan(first.beat.progress));
  expect(one.last("zeus")).toBeNull();
});

it("drops what is no heartbeat and hears the next; a watcher's is its own", async () => {
  const parts: string[] = [];
  const all = listen("all", ({ part }) => parts.push(part));
  const subject = subjects.build({ kind: "heartbeat", server: "hades", part: "worker" });
  link.connection.publish(subject, new TextEncoder().encode("{nope"));
  link.connection.publish(subject, encodeBody({ progress: -1 }));
  link.connection.publish(
    subjects.build({ kind: "heartbeat", server: "hades", part: "watcher" }),
    encodeBody({ progress: 1, worker: "restarting" }),
  );
  await eventually(() => expect(all.lastOfWatcher("hades")?.beat.worker).toBe("restarting"));
  expect(all.last("hades")).toBeNull();
  expect(parts).toEqual(["watcher"]);
});
