/**
 * Two candidates in processes of their own, a thousand epochs (ten thousand with CASTELLAN_LONG=1): every epoch is one
 * candidate's and no two.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { createSystemClock, silentLogger, systemRng } from "@castellan/kernel";
import { bootstrapNode } from "@castellan/store";
import { openGateway } from "@castellan/store/typeorm";
import { postgres, postgresBinaries, tempHome, testRun } from "@castellan/testkit";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";

const EPOCHS = testRun().isLong ? 10_000 : 1000;
const WITHIN_MS = 300_000;
const missing = postgresBinaries() === undefined ? " (skipped: install Debian's postgresql to run it)" : "";
const clock = createSystemClock();
const Outcome = z.object({ won: z.array(z.int()), lost: z.int() });
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

async function race(url: string): Promise<void> {
  const gateway = await openGateway({ url, clock, rng: systemRng, logger: silentLogger, migrate: "ifEmpty" });
  for (const server of ["hades", "zeus"])
    await bootstrapNode(gateway, { node: "ips1", dirName: "/srv", server, clock });
  const rivals = await Promise.all([1, 2].map((serverId) => candidate(url, serverId)));
  const beganMs = clock.bootMs();
  const outcomes = await Promise.all(rivals.map((go) => go()));
  const tookMs = clock.bootMs() - beganMs;

  const won = outcomes.flatMap((outcome) => outcome.won).toSorted((a, b) => a - b);
  const least = Math.max(...won);
  expect(least).toBeGreaterThanOrEqual(EPOCHS);
  expect(won).toEqual(Array.from({ length: least }, (_, at) => at + 1));
  for (const outcome of outcomes) expect(outcome.won.length).toBeGreaterThan(EPOCHS / 100);
  const [state] = await gateway.find("node_state");
  const masters = await gateway.find("node_cluster", { where: { master: true } });
  expect(state?.epoch).toBe(least);
  expect(masters.map((row) => row.logical_machine_id)).toEqual([state?.master_id]);
  await gateway.close();
  const results = JSON.stringify(outcomes.map((outcome) => ({ won: outcome.won.length, lost: outcome.lost })));
  process.stdout.write(`      ${least} races in ${Math.round(tookMs)} ms: ${results}\n`);
}

/** Resolves when it is ready, with how to let it run to its end. */
async function candidate(url: string, serverId: number): Promise<() => Promise<z.infer<typeof Outcome>>> {
  const script = fileURLToPath(new URL("fixtures/candidate.ts", import.meta.url));
  const child = spawn(
    process.execPath,
    ["--conditions=@castellan/source", "--import", "tsx", script, url, String(serverId), String(EPOCHS)],
    { stdio: ["pipe", "pipe", "inherit"] },
  );
  children.push(child);
  await once(child.stdout, "readable");
  return async () => {
    child.stdin.end();
    const printed = await text(child.stdout);
    return Outcome.parse(JSON.parse(printed.replace(/^ready\n/, "")));
  };
}

describe("two candidates", () => {
  it(
    "on one database file have one winner each time",
    async () => {
      const home = await tempHome();
      try {
        await race(`sqlite:${home.path("node.db")}`);
      } finally {
        await home.remove();
      }
    },
    WITHIN_MS,
  );

  it.skipIf(missing !== "")(
    `on a PostgreSQL have one winner each time${missing}`,
    async () => {
      const server = await postgres();
      try {
        await race(server.url);
      } finally {
        await server.stop();
      }
    },
    WITHIN_MS,
  );
});
