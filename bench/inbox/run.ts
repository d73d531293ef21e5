/**
 * 24 users, each in a thread with a connection of their own, work on one inbox of 5,000 items for a minute: what they were
 * told is compared with what the schema has recorded, and how many actions a second that makes is printed. On SQLite with
 * `synchronous=FULL`, and on PostgreSQL when its binaries are there (the test kit's, which does not sync its disk). Run:
 * `npm run bench:inbox -- [users] [items] [seconds]`
 */
import { createSystemClock, silentLogger, systemRng } from "@castellan/kernel";
import { openGateway } from "@castellan/store/typeorm";
import { natsServer, postgres, postgresBinaries, tempHome } from "@castellan/testkit";
import { countingBus, runLoad } from "../../packages/work-item/test/load/run-load.ts";

const [users = 24, items = 5000, seconds = 60] = process.argv
  .slice(2)
  .filter((word) => word !== "--")
  .map(Number);
const clock = createSystemClock();

async function measure(name: string, url: string): Promise<boolean> {
  const server = await natsServer();
  const gateway = await openGateway({ url, clock, rng: systemRng, logger: silentLogger, migrate: "always" });
  const bus = countingBus();
  const seed = Date.now() % 1_000_000;
  try {
    const load = { gateway, natsUrl: server.url, users, items, forMs: seconds * 1000, bus, seed };
    const { complaints, ledger, workedMs } = await runLoad(load);
    const outcomes = new Map<string, number>();
    for (const { outcome } of ledger) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    const took = ledger.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
    const at = (share: number): string => (took[Math.floor(took.length * share)] ?? 0).toFixed(1);
    const shown = [...outcomes].sort((a, b) => b[1] - a[1]).map(([outcome, count]) => `${outcome} ${count}`);
    console.log(`${name}: ${users} users, ${items} items, ${(workedMs / 1000).toFixed(0)} s, seed ${seed}`);
    console.log(
      `  ${ledger.length} answers (${((ledger.length * 1000) / workedMs).toFixed(0)}/s): ${shown.join(", ")}`,
    );
    console.log(`  answered after p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, at most ${at(0.999_999)} ms`);
    console.log(`  ${bus.count()} events; lost, doubled or out of order: ${complaints.length}`);
    for (const complaint of complaints.slice(0, 10)) console.log(`    ${complaint}`);
    return complaints.length === 0;
  } finally {
    await gateway.close();
    await server.stop();
  }
}

const home = await tempHome("castellan-bench-");
let isRight = await measure("SQLite", `sqlite:${home.path("node.db")}`);
await home.remove();
if (postgresBinaries() === undefined)
  console.log("PostgreSQL: left out, its binaries are not here (apt-get install postgresql)");
else {
  const database = await postgres();
  isRight = (await measure("PostgreSQL", database.url)) && isRight;
  await database.stop();
}
process.exitCode = isRight ? 0 : 1;
