/**
 * The worker is killed -9 at a random moment of a pause, a resume, a restart, a START_NEW: each is carried out to its end, and
 * once. The seed is printed; `CASTELLAN_TEST_SEED` brings a run back.
 */
import { existsSync, readFileSync } from "node:fs";
import { createSeededRng } from "@castellan/kernel";
import { eventually, fakePrograms, findProcesses, testSeed } from "@castellan/testkit";
import { afterEach, describe, expect, it } from "vitest";
import { isOnPostgres } from "../harness/database.ts";
import { lives, makeNode, said, type TestNode } from "../harness/node.ts";

const ROUNDS = isOnPostgres() ? 1 : 2;
/** A kill comes this long after the command was given, at most: it takes about so long. */
const WITHIN_MS = 900;

const TYPES = `
types:
  REC:
    command: ${JSON.stringify([process.execPath, fakePrograms.recording, "{home}/starts_{type}_{instance}"])}
    pausable: true
    ready: { logLine: "^started" }
servers:
  master: { REC: 2 }
`;

let node: TestNode;
afterEach(() => node.dispose());

const starts = (instance: number): number => {
  const file = node.path(`starts_rec_${instance}`);
  return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n").length : 0;
};
const statuses = async (): Promise<string[]> =>
  (await node.status()).servers.flatMap(({ processes }) => processes.map((one) => `${one.instance} ${one.status}`));

const until = (wanted: readonly string[]) =>
  eventually(async () => expect(await statuses()).toEqual(wanted), { withinMs: 90_000, everyMs: 200 });

describe("an operation whose worker is killed", () => {
  it(`is carried out once: ${ROUNDS} of each`, async () => {
    const rng = createSeededRng(testSeed());
    node = await makeNode({ types: TYPES });
    const up = await node.up();
    expect(up.code, said(up)).toBe(0);
    const master = (await node.status()).master ?? "";

    const perform = async (...args: string[]): Promise<void> => {
      const worker = node.part("worker") ?? Number.NaN;
      const running = node.cli(...args, "--timeout", "60");
      const momentMs = performance.now() + rng.next() * WITHIN_MS;
      await eventually(() => performance.now() >= momentMs, { everyMs: 5, describe: "the moment has come" });
      if (lives(worker)) process.kill(worker, "SIGKILL");
      await eventually(() => node.part("worker") !== worker && lives(node.part("worker") ?? 0), {
        withinMs: 90_000,
        describe: "another worker",
      });
      const result = await running;
      expect(result.code, `${args.join(" ")}: ${said(result)}`).toBe(0);
    };

    let instances = 2;
    const all = (status: string) => Array.from({ length: instances }, (_, at) => `${at + 1} ${status}`);
    const expected = new Map([
      [1, 1],
      [2, 1],
    ]);
    for (let round = 0; round < ROUNDS; round += 1) {
      await perform("pause");
      await until(all("PAUSED"));
      await perform("resume");
      await until(all("RUNNING"));
      await perform("restart");
      await until(all("RUNNING"));
      for (const [instance, count] of expected) expected.set(instance, count + 1);
      await perform("start-new", master, "REC", "2");
      for (const instance of [instances + 1, instances + 2]) expected.set(instance, 1);
      instances += 2;
      await until(all("RUNNING"));
      expect([...expected.keys()].map((instance) => `${instance}: ${starts(instance)}`)).toEqual(
        [...expected].map(([instance, count]) => `${instance}: ${count}`),
      );
      expect(findProcesses(node.home).filter(({ command }) => command.includes("recording.mjs"))).toHaveLength(
        instances,
      );
    }
    expect((await node.items()).filter(({ kind }) => kind === "process")).toEqual([]);
  });
});
