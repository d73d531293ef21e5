/**
 * From a report to a committed work item on the embedded set-up (one nats-server with `sync_interval: always`, SQLite with
 * `synchronous=FULL`, outbox fsynced), one at a time; and the rate of a burst of 5,000. Run:
 * `node --conditions=@castellan/source --import tsx bench/alerts/run.ts`
 */
import { type ActorSystem, createActorSystem } from "@castellan/actor";
import { connectLink } from "@castellan/actor/nats";
import { createIdSource, createSystemClock, silentLogger as log, systemRng as rng } from "@castellan/kernel";
import { type Alert, createSubjects, Outbox } from "@castellan/protocol";
import { createAlertSink, createOutbox, createOutboxDisk, openOutboxFile } from "@castellan/sentinel";
import { insert } from "@castellan/store";
import { openGateway } from "@castellan/store/typeorm";
import { natsServer, tempHome } from "@castellan/testkit";
import { createDesk, type DeskCommand } from "@castellan/work-item";
import { createAlertFeed } from "../../packages/daemon/src/bus/alert-feed.ts";
import { createBusPublisher } from "../../packages/daemon/src/bus/bus-publisher.ts";
import { ensureEventsStream } from "../../packages/daemon/src/bus/events-stream.ts";

const ONE_BY_ONE = 200;
const BURST = 5000;
const clock = createSystemClock();
const newId = createIdSource(clock, rng);
const subjects = createSubjects("bench");
const home = await tempHome("castellan-bench-");
const server = await natsServer({ jetstream: true });
const gateway = await openGateway({
  url: `sqlite:${home.path("node.db")}`,
  clock,
  rng,
  logger: log,
  migrate: "always",
});
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
const link = await connectLink({ servers: server.url, name: "bench", logger: log, clock });
const { connection } = link;
const copies = 1;
await ensureEventsStream({ connection, copies, subjects, clock, log });
const bus = createBusPublisher({ connection, clock, log });
const system: ActorSystem = createActorSystem({ host: "hades", clock, rng, newId, logger: log });
const identity = { node: "bench", server: "hades" };

const anAlert = (cause: string): Alert => ({
  kind: "error-file",
  server: "hades",
  subject: "/home/logs/sw_error",
  severity: "error",
  summary: "1888 something failed",
  occurredAt: clock.now().toISOString(),
  cause,
  details: {},
});
const open = () =>
  openOutboxFile({ disk: createOutboxDisk(home.path("outbox")), newId, damagedAlert: () => anAlert("x") });
system.expose(Outbox, "-", system.spawn(createOutbox({ identity, subjects, bus, open }), "outbox"));
const outboxOf = (host: string) => system.remote(Outbox, { host });

/** The gateway, with a look at what is committed. */
let onItem: (cause: unknown) => void = () => undefined;
const desk = system.spawn<DeskCommand>(
  createDesk({
    epoch: 1,
    identity,
    subjects,
    bus,
    outboxOf,
    onDeposed: () => undefined,
    gateway: {
      ...gateway,
      commit: async (writes) => {
        const answer = await gateway.commit(writes);
        for (const write of writes) {
          if (write.table === "work_item" && write.kind === "insert") onItem(write.row["cause"]);
        }
        return answer;
      },
    },
  }),
  "desk",
);
const feed = createAlertFeed({ connection, copies, subjects, clock, log, desk });
const ending = new AbortController();
const sink = createAlertSink({ outbox: outboxOf("hades"), clock, rng, newId, log, signal: ending.signal });

async function timed(cause: string): Promise<{ accepted: number; item: number }> {
  const item = new Promise<void>((resolve) => {
    onItem = (seen) => {
      if (seen === cause) resolve();
    };
  });
  const begun = performance.now();
  await sink.report("raised", anAlert(cause));
  const accepted = performance.now() - begun;
  await item;
  return { accepted, item: performance.now() - begun };
}

for (let at = 0; at < 20; at += 1) await timed(`warm-${at}`);
const samples: { accepted: number; item: number }[] = [];
for (let at = 0; at < ONE_BY_ONE; at += 1) samples.push(await timed(`one-${at}`));
const at = (values: number[], share: number): string =>
  (values.sort((a, b) => a - b)[Math.floor(values.length * share)] ?? 0).toFixed(1);
const accepted = samples.map((sample) => sample.accepted);
const item = samples.map((sample) => sample.item);

let left = BURST;
const done = new Promise<void>((resolve) => {
  onItem = () => {
    left -= 1;
    if (left === 0) resolve();
  };
});
const begun = performance.now();
await Promise.all(Array.from({ length: BURST }, (_, number) => sink.report("raised", anAlert(`burst-${number}`))));
const burstAccepted = performance.now() - begun;
await done;
const burst = performance.now() - begun;

console.log("| alert, one at a time | median ms | p99 ms |\n|---|---|---|");
console.log(`| on disk | ${at(accepted, 0.5)} | ${at(accepted, 0.99)} |`);
console.log(`| committed work item | ${at(item, 0.5)} | ${at(item, 0.99)} |\n`);
console.log(`| burst of ${BURST}, each a new item | per second |\n|---|---|`);
console.log(`| on disk | ${Math.round((BURST * 1000) / burstAccepted)} |`);
console.log(`| committed work items | ${Math.round((BURST * 1000) / burst)} |`);

ending.abort();
await feed.close();
await system.stop(3000);
bus.close();
await link.close();
await gateway.close();
await server.stop();
await home.remove();
