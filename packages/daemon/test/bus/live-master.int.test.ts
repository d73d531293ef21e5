/** `live.master` on a real bus: a master, a candidate, nobody, and a server that hangs are four different answers. */
import { connectLink, type Link } from "@castellan/actor/nats";
import { createSystemClock, silentLogger } from "@castellan/kernel";
import { createSubjects, encodeBody } from "@castellan/protocol";
import type { LivePort } from "@castellan/sentinel";
import { eventually, type NatsServer, natsServer } from "@castellan/testkit";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openLiveMaster } from "../../src/bus/live-master.ts";

const clock = createSystemClock();
const log = silentLogger;
const subjects = createSubjects("ips1");
let server: NatsServer;
const open: (() => void | Promise<void>)[] = [];

beforeEach(async () => {
  server = await natsServer();
});
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
  await server.stop();
});

/** A sentinel's end of the bus. */
async function sentinel(): Promise<{ live: LivePort; link: Link }> {
  const link = await connectLink({ servers: server.url, name: "test", logger: log, clock });
  open.push(() => link.close());
  const bus = {
    connection: link.connection,
    upSinceMs: () => (link.up ? 0 : null),
    onArrival(arrived: (connection: Link["connection"]) => void) {
      arrived(link.connection);
      return () => undefined;
    },
  };
  const live = openLiveMaster({ bus, subjects, clock, log });
  open.push(() => live.close());
  return { live, link };
}

/** What is answered; a question that this machine was too slow for is asked again. */
const asked = (live: LivePort, epoch: number) =>
  eventually(async () => {
    const answer = await live.ask(epoch);
    return answer?.live.word === "silence" ? null : answer;
  });

it("tells a master from a candidate, and both from nobody, at once", async () => {
  const master = await sentinel();
  const slave = await sentinel();
  expect(await asked(slave.live, 6)).toEqual({ live: { word: "nobody" }, askMs: null });

  const questions: number[] = [];
  master.live.onQuestion((epoch) => questions.push(epoch));
  master.live.answer({ word: "candidate" });
  await master.link.connection.flush();
  expect(await asked(slave.live, 6)).toEqual({ live: { word: "candidate" }, askMs: null });
  master.live.answer({ word: "master", epoch: 7, askMs: 120 });
  expect(await asked(slave.live, 7)).toEqual({ live: { word: "master", epoch: 7 }, askMs: 120 });
  expect([...new Set(questions)]).toEqual([6, 7]);

  master.live.answer(null);
  await master.link.connection.flush();
  expect(await asked(slave.live, 7)).toEqual({ live: { word: "nobody" }, askMs: null });
});

it("knows of nobody as soon as the master's connection is gone", async () => {
  const master = await sentinel();
  const slave = await sentinel();
  master.live.answer({ word: "master", epoch: 7, askMs: 100 });
  await master.link.connection.flush();
  expect((await asked(slave.live, 7)).live.word).toBe("master");
  await master.link.close();
  await eventually(async () => expect((await slave.live.ask(7))?.live.word).toBe("nobody"));
});

it("hears nothing from a bus that hangs, and says so, and nothing from one that is away", async () => {
  const master = await sentinel();
  const slave = await sentinel();
  master.live.answer({ word: "master", epoch: 7, askMs: 100 });
  await server.freeze();
  expect(await slave.live.ask(7)).toEqual({ live: { word: "silence" }, askMs: null });
  server.thaw();
  await server.kill9();
  await eventually(() => expect(slave.live.settledMs()).toBeNull());
  expect(await slave.live.ask(7)).toBeNull();
});

it("hears the heartbeats of the one it follows, in which it is master", async () => {
  const { live, link } = await sentinel();
  const beats: number[] = [];
  const beat = (epoch: number): number => beats.push(epoch);
  const say = (name: string, role: string, epoch: number): void =>
    link.connection.publish(
      subjects.build({ kind: "heartbeat", server: name, part: "worker" }),
      encodeBody({ progress: 1, incarnation: 1, role, epoch, sqlAgeMs: 0 }),
    );
  live.follow("hades", beat);
  say("zeus", "master", 1);
  say("hades", "slave", 2);
  say("hades", "master", 3);
  await eventually(() => expect(beats).toEqual([3]));
  live.follow("zeus", beat);
  say("hades", "master", 4);
  say("zeus", "master", 5);
  await eventually(() => expect(beats).toEqual([3, 5]));
});

it("takes nothing for an answer that is none", async () => {
  const { live, link } = await sentinel();
  link.connection.subscribe(subjects.build({ kind: "live-master" }), {
    callback: (_, message) => {
      message.respond(new TextEncoder().encode("{nope"));
    },
  });
  await link.connection.flush();
  await eventually(async () => expect(await live.ask(1)).toBeNull());
});
