/**
 * What the runtime costs, as ratios measured in one run on one machine: local tell, and remote ask against the client's
 * own request, with its default options and with the faster ones. Needs a nats-server: `node
 * --conditions=@castellan/source --import tsx bench/actor/run.ts [runs]`.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type ActorRef, type Asking, createActorSystem, receive, setup } from "@castellan/actor";
import { createIdSource, createSystemClock, silentLogger, systemRng } from "@castellan/kernel";
import { natsServer } from "@castellan/testkit";
import { connect } from "nats";
import { connectHost, Echo } from "./host.ts";

const clock = createSystemClock();
const newId = createIdSource(clock, systemRng);
const runs = Number(process.argv[2] ?? 5);
const PAYLOAD = "x".repeat(100);

interface Row {
  readonly name: string;
  readonly perSecond: number[];
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
const show = (value: number): string => Math.round(value).toLocaleString("en");
const timed = async (count: number, work: () => Promise<void>): Promise<number> => {
  const from = performance.now();
  await work();
  return (count * 1000) / (performance.now() - from);
};

type Counting = { type: "Tick" } | Asking<{ type: "Get" }, number>;

async function localTell(count: number): Promise<number> {
  const system = createActorSystem({ host: "bench", clock, rng: systemRng, logger: silentLogger, newId });
  const ref: ActorRef<Counting> = system.spawn(
    setup<Counting>(() => {
      let ticks = 0;
      return receive({
        Tick: () => {
          ticks += 1;
        },
        Get: (_message, replyTo) => replyTo.success(ticks),
      });
    }),
    "counter",
    { mailbox: { capacity: 100_000 } },
  );
  const tick = { type: "Tick" } as const;
  const result = await timed(count, async () => {
    for (let sent = 0; sent < count; sent += 50_000) {
      for (let n = 0; n < 50_000; n += 1) ref.tell(tick);
      await ref.ask({ type: "Get" }, { timeoutMs: 60_000 });
    }
  });
  const handled = await ref.ask({ type: "Get" }, { timeoutMs: 60_000 });
  if (handled !== count) throw new Error(`${handled} of ${count} handled`);
  await system.stop(1000);
  return result;
}

/** The answering side, ready to answer. */
async function startResponder(url: string): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL("./responder.ts", import.meta.url)), [url]);
  await once(child, "message");
  return child;
}

/** Keeps `width` asks in flight until `count` are answered. */
const inFlight = (count: number, width: number, ask: () => Promise<unknown>): Promise<number> =>
  timed(count, async () => {
    let left = count;
    const lane = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        await ask();
      }
    };
    await Promise.all(Array.from({ length: width }, lane));
  });

const server = await natsServer();
const responder = await startResponder(server.url);
const hades = await connectHost("hades", server.url);
const plain = await connect({ servers: server.url });
const fast = await connect({ servers: server.url, noAsyncTraces: true });
try {
  const remote = hades.system.remote(Echo, { host: "zeus" });
  const body = new TextEncoder().encode(JSON.stringify({ text: PAYLOAD }));
  const askActor = (): Promise<unknown> => remote.ask({ type: "Say", text: PAYLOAD }, { timeoutMs: 10_000 });
  const askPlain = (): Promise<unknown> => plain.request("plain", body, { timeout: 10_000 });
  const askFast = (): Promise<unknown> => fast.request("plain", body, { timeout: 10_000 });

  const rows = {
    tell: { name: "local tell", perSecond: [] } as Row,
    plainOne: { name: "nc.request, one at a time", perSecond: [] } as Row,
    fastOne: { name: "nc.request with noAsyncTraces, one at a time", perSecond: [] } as Row,
    askOne: { name: "remote ask, one at a time", perSecond: [] } as Row,
    plainMany: { name: "nc.request, 1,000 in flight", perSecond: [] } as Row,
    fastMany: { name: "nc.request with noAsyncTraces, 1,000 in flight", perSecond: [] } as Row,
    askMany: { name: "remote ask, 1,000 in flight", perSecond: [] } as Row,
  };
  for (let run = -1; run < runs; run += 1) {
    const results: [Row, number][] = [
      [rows.tell, await localTell(2_000_000)],
      [rows.plainOne, await inFlight(5000, 1, askPlain)],
      [rows.fastOne, await inFlight(5000, 1, askFast)],
      [rows.askOne, await inFlight(5000, 1, askActor)],
      [rows.plainMany, await inFlight(50_000, 1000, askPlain)],
      [rows.fastMany, await inFlight(50_000, 1000, askFast)],
      [rows.askMany, await inFlight(50_000, 1000, askActor)],
    ];
    if (run >= 0) for (const [row, result] of results) row.perSecond.push(result); // the first run warms up
  }
  console.log(`Node ${process.version}, ${runs} runs, asker, server and answerer each in a process of its own\n`);
  console.log("| what | median /s | lowest | highest |\n|---|---|---|---|");
  for (const { name, perSecond } of Object.values(rows)) {
    console.log(
      `| ${name} | ${show(median(perSecond))} | ${show(Math.min(...perSecond))} | ${show(Math.max(...perSecond))} |`,
    );
  }
  /** Median of the ratios within each run: what else the machine does weighs on both. */
  const ratio = (a: Row, b: Row): string =>
    median(a.perSecond.map((value, run) => value / (b.perSecond[run] ?? Number.NaN))).toFixed(2);
  console.log("\n| ratio | measured | goal |\n|---|---|---|");
  console.log(`| remote ask / nc.request, one at a time | ${ratio(rows.askOne, rows.plainOne)} | 1.1 |`);
  console.log(`| remote ask / nc.request, 1,000 in flight | ${ratio(rows.askMany, rows.plainMany)} | 3 |`);
  console.log(`| the same with noAsyncTraces, one at a time | ${ratio(rows.askOne, rows.fastOne)} | - |`);
  console.log(`| the same with noAsyncTraces, 1,000 in flight | ${ratio(rows.askMany, rows.fastMany)} | - |`);
  console.log(`| local tell, million a second | ${(median(rows.tell.perSecond) / 1e6).toFixed(2)} | 2 |`);
} finally {
  await Promise.all([plain.close(), fast.close(), hades.close()]);
  responder.kill();
  await server.stop();
}
