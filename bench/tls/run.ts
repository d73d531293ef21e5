/**
 * What mutual TLS on the bus costs, as ratios against plain TCP measured in one run on one machine: a connection, a request,
 * and an event that is stored. Needs a nats-server: `npm run bench:tls [runs]`.
 */

import { connectLink, type Link } from "@castellan/actor/nats";
import { createSystemClock, silentLogger } from "@castellan/kernel";
import { nodeDomain } from "@castellan/protocol/home";
import { natsServer, tempHome } from "@castellan/testkit";
import { trustPaths } from "@castellan/trust";
import { foundAuthority, issueInto } from "@castellan/trust/authority";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";

const runs = Number(process.argv[2] ?? 5);
const node = "bench";
const clock = createSystemClock();
const body = new Uint8Array(128);

/** Each takes `count` of one thing, and answers with how many a second. */
const WORK = {
  "connections, one at a time": { count: 50, of: connections },
  "requests, one at a time": { count: 3000, of: (bus) => requests(bus, 1) },
  "requests, 256 in flight": { count: 20_000, of: (bus) => requests(bus, 256) },
  "events stored, 256 in flight": { count: 5000, of: (bus) => events(bus, 256) },
} as const satisfies Record<string, { count: number; of: (bus: Bus) => (count: number) => Promise<void> }>;

interface Bus {
  readonly asker: Link;
  readonly connect: () => Promise<Link>;
}

function connections({ connect }: Bus) {
  return async (count: number): Promise<void> => {
    for (let n = 0; n < count; n += 1) await (await connect()).close();
  };
}

const requests = ({ asker }: Bus, width: number) =>
  inFlight(width, () => asker.connection.request("echo", body, { timeout: 10_000 }));

function events({ asker }: Bus, width: number) {
  const stream = jetstream(asker.connection);
  return inFlight(width, () => stream.publish("bench.event", body, { timeout: 30_000 }));
}

const inFlight = (width: number, once: () => Promise<unknown>) => async (count: number) => {
  let left = count;
  const lane = async (): Promise<void> => {
    for (; left > 0; await once()) left -= 1;
  };
  await Promise.all(Array.from({ length: width }, lane));
};

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

const home = await tempHome("castellan-bench-");
await foundAuthority(home.dir, node, new Date());
const issue = { node, name: "bench", bearer: "server", addresses: ["127.0.0.1"], now: new Date() } as const;
await issueInto(home.dir, trustPaths(home.dir).directory, issue);
const { ca, identity } = trustPaths(home.dir);
const tls = `tls { cert_file: "${identity}", key_file: "${identity}", ca_file: "${ca}", verify: true }`;
const servers = {
  plain: await natsServer({ jetstream: true }),
  tls: await natsServer({ jetstream: true, config: tls }),
};
const links: Link[] = [];

async function bus(kind: keyof typeof servers): Promise<Bus> {
  const files = { caFile: ca, certFile: identity, keyFile: identity, servername: nodeDomain(node) };
  const connect = (): Promise<Link> =>
    connectLink({
      servers: [servers[kind].url],
      ...(kind === "tls" && { tls: files }),
      name: "bench",
      logger: silentLogger,
      clock,
      firstConnectMs: 30_000,
    });
  const [asker, answerer] = [await connect(), await connect()];
  links.push(asker, answerer);
  answerer.connection.subscribe("echo", { callback: (_error, message) => void message.respond(body) });
  await answerer.connection.flush();
  await (await jetstreamManager(asker.connection)).streams.add({
    name: "BENCH",
    subjects: ["bench.>"],
    max_bytes: 2 ** 24,
  });
  return { asker, connect };
}

try {
  const buses = { plain: await bus("plain"), tls: await bus("tls") };
  console.log(`Node ${process.version}, ${runs} runs; asker and answerer share a process, each server has its own\n`);
  console.log("| what | plain /s | TLS /s | TLS / plain | lowest | highest |\n|---|---|---|---|---|---|");
  for (const [name, { count, of }] of Object.entries(WORK)) {
    const speed = async (kind: keyof typeof buses): Promise<number> => {
      const from = performance.now();
      await of(buses[kind])(count);
      return (count * 1000) / (performance.now() - from);
    };
    const pairs: { plain: number; tls: number }[] = [];
    for (let run = -1; run < runs; run += 1) {
      const pair = { plain: await speed("plain"), tls: await speed("tls") };
      if (run >= 0) pairs.push(pair); // the first warms up
    }
    const ratios = pairs.map((pair) => pair.tls / pair.plain);
    const shown = [median(pairs.map(({ plain }) => plain)), median(pairs.map((pair) => pair.tls))].map(Math.round);
    const spread = [median(ratios), Math.min(...ratios), Math.max(...ratios)].map((ratio) => ratio.toFixed(2));
    console.log(`| ${[name, ...shown, ...spread].join(" | ")} |`);
  }
} finally {
  await Promise.all(links.map((link) => link.close()));
  await Promise.all(Object.values(servers).map((server) => server.stop()));
  await home.remove();
}
