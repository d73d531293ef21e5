/** CLOCK: puts a job into the store every few seconds. */
import { log, numberFrom, onStop } from "./program.mjs";
import { createStoreClient } from "./store-client.mjs";

/** More would only pile up while nobody works. */
const MAX_WAITING = 100;

const store = createStoreClient(numberFrom("STORE_PORT", 28_080));
const seconds = numberFrom("CLOCK_SECONDS", 2);

async function tick() {
  const waiting = await store.ask("llen", "jobs");
  if (waiting >= MAX_WAITING) log(`${waiting} jobs wait, adding none`);
  else await store.ask("lpush", "jobs", `job of ${new Date().toISOString()}`);
}

log(`a job every ${seconds} s`);
setInterval(() => tick().catch((problem) => log(problem.message)), seconds * 1000);
onStop(() => store.close());
