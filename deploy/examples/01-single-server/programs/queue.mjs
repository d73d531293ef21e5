/** QUEUE: takes jobs from the store and does them. Several may run: each job is taken by one. */
import { setTimeout as pause } from "node:timers/promises";
import { log, numberFrom, onStop } from "./program.mjs";
import { createStoreClient } from "./store-client.mjs";

const IDLE_MS = 250;
const AWAY_MS = 1000;

const store = createStoreClient(numberFrom("STORE_PORT", 28_080));
let stopping = false;
onStop(() => {
  stopping = true;
  store.close();
});

async function work() {
  const job = await store.ask("rpop", "jobs");
  if (job === null) return IDLE_MS;
  const done = await store.ask("incr", "jobs-done");
  log(`did ${job}`);
  if (done % 10 === 0) await store.ask("lpush", "mail", `${done} jobs are done, the last was ${job}`);
  return 0;
}

await store.ask("ping").catch(() => log("the store is away, waiting for it"));
log("taking jobs");
while (!stopping) {
  const wait = await work().catch((problem) => {
    if (!stopping) log(problem.message);
    return AWAY_MS;
  });
  await pause(wait);
}
