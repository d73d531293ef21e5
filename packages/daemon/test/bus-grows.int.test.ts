/** The bus of a node of one server, joined by others and left by them, with real nats-servers: what is stored stays. */
import { connectLink, type Link } from "@castellan/actor/nats";
import { createSystemClock, silentLogger, systemRng } from "@castellan/kernel";
import { createSubjects } from "@castellan/protocol";
import { createProcReader } from "@castellan/sentinel/pair";
import { bootstrapNode, insert, remove, update } from "@castellan/store";
import { createMemoryGateway } from "@castellan/store/memory";
import { assertNothingLeft, eventually, freePort, type TempHome, tempHome } from "@castellan/testkit";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ensureEventsStream } from "../src/bus/events-stream.ts";
import { startSteward } from "../src/bus/steward.ts";
import { homePaths, makeHome } from "../src/home-paths.ts";
import { type EmbeddedNats, keepEmbeddedNats } from "../src/nats-server/embedded.ts";
import { findNatsServer } from "../src/nats-server/find-binary.ts";

const clock = createSystemClock();
const log = silentLogger;
const subjects = createSubjects("ips1");
const stream = subjects.eventsStream;

let home: TempHome;
const kept = new Map<string, EmbeddedNats>();
const ports = new Map<string, { readonly client: number; readonly route: number }>();
let links: Link[] = [];

beforeEach(async () => {
  home = await tempHome();
});
afterEach(async () => {
  for (const link of links) await link.close();
  for (const server of kept.values()) await server.stop();
  links = [];
  kept.clear();
  ports.clear();
  await assertNothingLeft(home.dir);
  await home.remove();
});

/** `knows`: whom its settings name; null: it is on loopback, no member of anything. */
async function keep(name: string, knows: readonly string[] | null): Promise<EmbeddedNats> {
  const paths = homePaths(home.path(name));
  makeHome(paths);
  const own = ports.get(name) ?? { client: await freePort(), route: await freePort() };
  ports.set(name, own);
  const routes = (knows ?? []).map((other) => `nats://127.0.0.1:${ports.get(other)?.route ?? 0}`);
  const server = await keepEmbeddedNats({
    paths,
    serverName: name,
    clusterName: "castellan_ips1",
    settings: {
      listen: { host: "127.0.0.1", port: own.client },
      tls: null,
      cluster:
        knows === null ? null : { listen: { host: "127.0.0.1", port: own.route }, routes, joins: name !== "hades" },
    },
    environment: process.env,
    binary: findNatsServer(process.env),
    clock,
    proc: createProcReader(),
    rng: systemRng,
    log,
  });
  kept.set(name, server);
  return server;
}

async function linkTo(server: EmbeddedNats): Promise<Link> {
  const link = await connectLink({ servers: server.url, name: "test", logger: log, clock });
  links.push(link);
  return link;
}

const ensure = ({ connection }: Link): Promise<void> =>
  ensureEventsStream({ connection, copies: 1, subjects, clock, log });
const publish = ({ connection }: Link, text: string) =>
  eventually(
    () => jetstream(connection).publish("castellan.ips1.evt.node.test", text, { msgID: text, timeout: 1000 }),
    { describe: `${text} is stored` },
  );
/** What the bus says once it answers. */
const stored = async ({ connection }: Link) => {
  const manager = await jetstreamManager(connection, { checkAPI: false, timeout: 1000 });
  const { state, cluster, config } = await eventually(() => manager.streams.info(stream), { withinMs: 30_000 });
  return { messages: state.messages, copies: config.num_replicas, leader: cluster?.leader ?? null };
};

const soon = (describe: string) => ({ withinMs: 60_000, describe });

async function make({ connection }: Link, name: string, copies: number): Promise<void> {
  const manager = await jetstreamManager(connection, { checkAPI: false, timeout: 1000 });
  await manager.streams.add({ name, subjects: [name], num_replicas: copies });
}

async function peersOf(server: EmbeddedNats): Promise<readonly string[]> {
  const system = await server.openSystem();
  try {
    return (await system.metaGroup()).peers.toSorted();
  } finally {
    await system.close();
  }
}

describe("the bus of one server", () => {
  it("works alone, also when it is killed and comes back, and keeps what it stored on loopback", async () => {
    const before = await keep("hades", null);
    const first = await linkTo(before);
    await ensure(first);
    await publish(first, "on loopback");
    await before.stop();

    const alone = await keep("hades", []);
    const link = await linkTo(alone);
    await ensure(link);
    expect((await stored(link)).messages).toBe(1);
    await publish(link, "alone");
    alone.restart();
    await publish(link, "back");
    await ensure(link);
    expect((await stored(link)).messages).toBe(3);
    const system = await alone.openSystem();
    await eventually(async () => expect(await system.metaGroup()).toEqual({ leader: "hades", peers: ["hades"] }), {
      withinMs: 60_000,
      describe: "it is alone in its group",
    });
    await system.close();
  });

  it("that is joined by two at one moment is theirs too: they go on without the first, which comes back", async () => {
    const hades = await keep("hades", []);
    const first = await linkTo(hades);
    await ensure(first);
    const [zeus] = await Promise.all([keep("zeus", ["hades"]), keep("hera", ["hades"])]);
    await eventually(() => make(first, "BY_ALL", 3), soon("a stream of three copies is made"));
    await hades.stop();
    const link = await linkTo(zeus);
    await eventually(() => make(link, "BY_TWO", 1), soon("a stream is made without the first"));
    await keep("hades", []);
    await eventually(async () => expect((await stored(link)).leader).toBe("hades"), soon("its stream is there again"));
  });

  it("is joined by others, stores with them, and goes on alone when they have left; one comes back", async () => {
    const hades = await keep("hades", []);
    const link = await linkTo(hades);
    await ensure(link);
    await publish(link, "alone");
    const gateway = createMemoryGateway();
    await bootstrapNode(gateway, { node: "ips1", dirName: home.dir, server: "hades", clock });
    await gateway.commit([remove("node_cluster", {}), update("node_state", { id: 1 }, { epoch: 7 })]);
    let epoch = 7;
    const NAMES = ["hades", "zeus", "hera"] as const;
    for (const [i, name] of NAMES.entries()) {
      await gateway.commit([
        insert("node_cluster", {
          logical_machine_id: i + 1,
          physical_machine_name: name,
          master: false,
          check_error_files: true,
          machine_comment: null,
        }),
        insert("member_address", {
          logical_machine_id: i + 1,
          client_address: `127.0.0.1:${ports.get(name)?.client ?? 0}`,
          cluster_address: `127.0.0.1:${ports.get(name)?.route ?? 0}`,
          leaving: false,
        }),
      ]);
    }
    const steward = startSteward({
      gateway,
      connection: () => link.connection,
      openSystem: () => hades.openSystem(),
      epoch: () => epoch,
      subjects,
      clock,
      log,
    });
    try {
      // At one moment, as new as each other: they are never a group of their own.
      const zeus = await keep("zeus", ["hades"]);
      const hera = await keep("hera", ["hades", "zeus"]);
      await eventually(async () => expect(await stored(link)).toMatchObject({ copies: 3, messages: 1 }), {
        withinMs: 60_000,
        describe: "three copies",
      });
      const leave = async (name: (typeof NAMES)[number], server: EmbeddedNats): Promise<void> => {
        const id = NAMES.indexOf(name) + 1;
        const address = () => gateway.find("member_address", { where: { logical_machine_id: id } });
        epoch = 6; // a master that is none any more tells nobody that he may go
        await gateway.commit([update("member_address", { logical_machine_id: id }, { leaving: true })]);
        await eventually(async () => expect(await peersOf(hades)).not.toContain(name), {
          withinMs: 60_000,
          describe: `${name} is put out`,
        });
        expect(await address()).toHaveLength(1);
        epoch = 7;
        await eventually(async () => expect(await address()).toHaveLength(0), {
          withinMs: 60_000,
          describe: `${name} may go`,
        });
        await gateway.commit([{ kind: "delete", table: "node_cluster", where: { logical_machine_id: id }, expect: 1 }]);
        await server.stop();
        kept.delete(name);
        await publish(link, `without ${name}`);
      };
      await leave("zeus", zeus);
      expect((await stored(link)).copies).toBe(1);
      await leave("hera", hera);
      expect(await stored(link)).toEqual({ copies: 1, messages: 3, leader: "hades" });
      hades.restart();
      await publish(link, "alone again");

      await gateway.commit([
        insert("node_cluster", {
          logical_machine_id: 4,
          physical_machine_name: "zeus",
          master: false,
          check_error_files: true,
          machine_comment: null,
        }),
      ]);
      await keep("zeus", ["hades"]);
      await eventually(async () => expect(await peersOf(hades)).toEqual(["hades", "zeus"]), {
        withinMs: 60_000,
        describe: "zeus is a member again",
      });
      await publish(link, "together");
      expect((await stored(link)).messages).toBe(5);
    } finally {
      await steward.close();
    }
  });
});
