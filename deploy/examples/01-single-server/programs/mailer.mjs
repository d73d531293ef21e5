/** MAILER: writes the letters that wait in the store to files, and keeps the last ones. */
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { log, numberFrom, onStop } from "./program.mjs";
import { createStoreClient } from "./store-client.mjs";

const KEEP = 20;
const IDLE_MS = 1000;

const store = createStoreClient(numberFrom("STORE_PORT", 28_080));
const directory = process.env.MAIL_DIRECTORY ?? "var/mail";
let stopping = false;
onStop(() => {
  stopping = true;
  store.close();
});

async function deliver() {
  const letter = await store.ask("rpop", "mail");
  if (letter === null) return;
  const name = `${new Date().toISOString().replaceAll(":", "-")}.eml`;
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, name), `Date: ${new Date().toUTCString()}\nSubject: ${letter}\n\n${letter}\n`);
  log(`delivered ${name}`);
  const letters = (await readdir(directory)).filter((file) => file.endsWith(".eml")).sort();
  for (const old of letters.slice(0, -KEEP)) await rm(join(directory, old), { force: true });
}

log(`delivering to ${directory}`);
while (!stopping) {
  await deliver().catch((problem) => {
    if (!stopping) log(problem.message);
  });
  await pause(IDLE_MS);
}
