import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { createSeededRng, sleep } from "@castellan/kernel";
import { eventually, fakePrograms, testSeed } from "@castellan/testkit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createProcReader } from "../../src/process/identity.ts";
import { clock, ServerKit } from "./server-kit.ts";

const program = fileURLToPath(new URL("./worker-program.ts", import.meta.url));
let kit: ServerKit;
let killWorker: (() => void) | null = null;
beforeEach(async () => {
  kit = await ServerKit.create();
});
afterEach(async () => {
  killWorker?.();
  await kit.dispose();
});

const proc = createProcReader();

/** Instance numbers of the live processes launched from this home, sorted: one entry each when none is doubled. */
function instances(): string[] {
  const launched = proc.findLaunched().filter(({ labels }) => labels.get("CASTELLAN_HOME") === kit.home.dir);
  return launched.map(({ labels }) => labels.get("CASTELLAN_INSTANCE") ?? "?").toSorted();
}

async function killedAfter(ms: number): Promise<void> {
  const arguments_ = ["--conditions=@castellan/source", "--import", "tsx", program, kit.home.dir, fakePrograms.steady];
  const child = spawn(process.execPath, arguments_, { stdio: ["ignore", "pipe", "inherit"] });
  killWorker = () => void child.kill("SIGKILL");
  if (child.stdout !== null) await once(child.stdout, "data");
  await sleep(clock, ms); // not a wait for anything: the moment of the kill is what varies
  child.kill("SIGKILL");
  await once(child, "exit");
  killWorker = null;
}

test("a worker killed at any moment of restarting leaves no instance doubled, and the next one takes over all of them", {
  timeout: 300_000,
}, async () => {
  const seed = testSeed();
  const rng = createSeededRng(seed);
  for (let round = 0; round < 8; round += 1) {
    await killedAfter(rng.next() * 120);
    const left = instances();
    expect(new Set(left).size, `doubled after round ${round}, seed ${seed}: ${left.join()}`).toBe(left.length);
  }
  await kit.define("WIS", 3, { command: [process.execPath, fakePrograms.steady] });
  const last = await kit.worker();
  for (const instance of [1, 2, 3]) await last.bring("WIS", instance, "RUNNING");
  await eventually(() => expect(instances(), `seed ${seed}`).toEqual(["1", "2", "3"]));
});
