/** Three kept nats-servers with routes: what is stored survives the loss of any one, which comes back as it was. */
import { readFileSync } from "node:fs";
import { connectLink, type Link } from "@castellan/actor/nats";
import { createSystemClock, silentLogger, systemRng } from "@castellan/kernel";
import { createSubjects } from "@castellan/protocol";
import { createProcReader } from "@castellan/sentinel/pair";
import { assertNothingLeft, eventually, freePort, type TempHome, tempHome } from "@castellan/testkit";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { ensureEventsStream } from "../src/bus/events-stream.ts";
import { homePaths, makeHome } from "../src/home-paths.ts";
import { type EmbeddedNats, keepEmbeddedNats } from "../src/nats-server/embedded.ts";
import { findNatsServer } from "../src/nats-server/find-binary.ts";

const NAMES = ["hades", "zeus", "hera"] as const;
const clock = createSystemClock();
const log = silentLogger;
const subjects = createSubjects("ips1");
const Recorded = z.object({ identity: z.object({ pid: z.int() }) });

let home: TempHome;
let servers: EmbeddedNats[] = [];
let link: Link;

beforeAll(async () => {
  home = await tempHome();
  const ports: number[] = [];
  while (ports.length < NAMES.length) ports.push(await freePort());
  const routes = ports.map((port) => `nats://127.0.0.1:${port}`);
  servers = await Promise.all(
    NAMES.map(async (serverName, i) => {
      const paths = homePaths(home.path(serverName));
      makeHome(paths);
      return await keepEmbeddedNats({
        paths,
        serverName,
        clusterName: "castellan_ips1",
        settings: {
          listen: { host: "127.0.0.1", port: await freePort() },
          tls: null,
          cluster: {
            listen: { host: "127.0.0.1", port: ports[i] ?? 0 },
            routes: routes.filter((_, j) => j !== i),
            joins: false,
          },
        },
        environment: process.env,
        binary: findNatsServer(process.env),
        clock,
        proc: createProcReader(),
        rng: systemRng,
        log,
      });
    }),
  );
  // Its own server first, the others by what that one tells of them.
  link = await connectLink({ servers: servers[0]?.url ?? "", name: "test", logger: log, clock });
});
afterAll(async () => {
  await link.close();
  await Promise.all(servers.map((server) => server.stop()));
  await assertNothingLeft(home.dir);
  await home.remove();
});

const streamInfo = async () => {
  const manager = await jetstreamManager(link.connection, { checkAPI: false });
  return await manager.streams.info(subjects.eventsStream);
};
const ensure = (copies: number): Promise<void> =>
  ensureEventsStream({ connection: link.connection, copies, subjects, clock, log });
const publish = (text: string) =>
  eventually(
    () => jetstream(link.connection).publish("castellan.ips1.evt.node.test", text, { msgID: text, timeout: 2000 }),
    { withinMs: 60_000, describe: `${text} is stored` },
  );
const pidOf = (name: string): number =>
  Recorded.parse(JSON.parse(readFileSync(home.path(name, "run/nats.json"), "utf8"))).identity.pid;

describe("a cluster of three kept nats-servers", () => {
  it("stores each event three times", async () => {
    await ensure(3);
    await publish("before");
    await eventually(
      async () => (await streamInfo()).cluster?.replicas?.filter(({ current }) => current).length === 2,
      {
        withinMs: 60_000,
        describe: "two more copies are there",
      },
    );
    expect((await streamInfo()).config.num_replicas).toBe(3);
    expect((await streamInfo()).state.messages).toBe(1);
  });

  it("takes events again after kill -9 of the server that led, and of the client's own; it comes back with its store", async () => {
    const leader = await eventually(async () => (await streamInfo()).cluster?.leader ?? null);
    for (const victim of new Set([leader, "hades"])) {
      const before = pidOf(victim);
      process.kill(before, "SIGKILL");
      await publish(`after the loss of ${victim}`);
      await eventually(() => pidOf(victim) !== before, { withinMs: 60_000, describe: `${victim} is started again` });
      const isWhole = async (): Promise<boolean> =>
        (await streamInfo()).cluster?.replicas?.every(({ current }) => current) ?? false;
      await eventually(isWhole, { withinMs: 60_000, describe: `${victim} has its copy again` });
    }
    const { config, state } = await streamInfo();
    expect(config.num_replicas).toBe(3);
    expect(state.messages).toBe(1 + new Set([leader, "hades"]).size);
  });
});
