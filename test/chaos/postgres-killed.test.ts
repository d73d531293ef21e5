/**
 * PostgreSQL is killed -9 again and again, at random moments, while error files grow, somebody restarts processes and somebody
 * else writes notes on work items: every alert is one occurrence, every command that said it was done has its effect, once, and
 * no command that was refused has it twice; the history is complete and in order, and what nobody asked to touch is not touched.
 *
 * Five kills in CI; CASTELLAN_LONG=1 makes it fifty. The seed is printed; `CASTELLAN_TEST_SEED` brings a run back.
 */
import { readFileSync } from "node:fs";
import { createSeededRng } from "@castellan/kernel";
import {
  type CliResult,
  eventually,
  fakePrograms,
  type Postgres,
  postgres,
  testRun,
  testSeed,
} from "@castellan/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type AlertWriter, createAlertWriter } from "../harness/alert-writer.ts";
import { makeNode, said, type TestNode } from "../harness/node.ts";

const KILLS = testRun().isLong ? 50 : 5;
/** A kill comes at most so long after the commands go through again, and it stays away at most so long, milliseconds. */
const AT_MS = 1500;
const AWAY_MS = 2000;

const TYPES = `
types:
  BASE: { command: ${JSON.stringify([process.execPath, fakePrograms.steady])} }
  REC:
    command: ${JSON.stringify([process.execPath, fakePrograms.recording, "{home}/starts_{type}_{instance}"])}
    dependsOn: [BASE]
    ready: { logLine: "^started" }
servers:
  master: { BASE: 1, REC: 1 }
`;

let server: Postgres;
let node: TestNode;
beforeEach(async () => {
  server = await postgres();
});
afterEach(async () => {
  try {
    await node.dispose();
  } finally {
    await server.stop();
  }
});

interface Commands {
  /** What each command was about, by how it ended. */
  readonly done: readonly string[];
  readonly refused: readonly string[];
  /** After the command in hand. */
  stop(): Promise<void>;
}

/** One command after another, each about something of its own. `said` on a failure that is none of the database's. */
function keepCommanding(command: (about: string) => Promise<CliResult>): Commands {
  const done: string[] = [];
  const refused: string[] = [];
  const stopping = new AbortController();
  const run = async (): Promise<void> => {
    for (let number = 1; !stopping.signal.aborted; number += 1) {
      const about = `number ${number}`;
      const result = await command(about);
      // Refused, not reachable, timed out: the three that an outage may cause.
      if (![0, 1, 3, 4].includes(result.code)) throw new Error(`${about} ended with ${result.code}: ${said(result)}`);
      (result.code === 0 ? done : refused).push(about);
    }
  };
  const running = run();
  running.catch(() => undefined); // whoever stops it hears of it
  return {
    done,
    refused,
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** Writes a line every fifth of a second. */
function keepWriting(writer: AlertWriter): () => void {
  const timer = setInterval(() => writer.write(), 200);
  return () => clearInterval(timer);
}

async function pause(ms: number): Promise<void> {
  const overMs = performance.now() + ms;
  await eventually(() => performance.now() >= overMs, { withinMs: ms + 30_000, everyMs: 5, describe: "the moment" });
}

const says = (name: string, { done, refused }: Commands): string =>
  `${done.length} ${name} done, ${refused.length} not`;

describe("PostgreSQL under a stream of alerts and commands", () => {
  it(
    `killed -9 ${KILLS} times: every acknowledged fact is there, once`,
    async () => {
      const rng = createSeededRng(testSeed());
      node = await makeNode({ types: TYPES, postgres: server });
      const up = await node.up();
      expect(up.code, said(up)).toBe(0);
      const before = await node.pids();
      const { master } = await node.status();
      const database = await server.sql("SELECT datname FROM pg_database WHERE datname LIKE 'node_%'");
      const ask = async (sql: string): Promise<string[]> =>
        (await server.sql(sql, database)).split("\n").filter((line) => line !== "");

      const writer = createAlertWriter(node.home);
      writer.write();
      const first = await eventually(async () => (await node.items())[0] ?? null, { everyMs: 200 });
      const stopWriting = keepWriting(writer);
      const notes = keepCommanding((about) => node.cli("workitem", "note", String(first.caseNumber), about));
      const restarts = keepCommanding((about) =>
        node.cli("restart", master ?? "", "REC", "--timeout", "30", "--as", about.replace(" ", "-")),
      );
      const goOn = async (): Promise<void> => {
        const from = [notes, restarts].map(({ done }) => done.length);
        await eventually(() => [notes, restarts].every(({ done }, at) => done.length > (from[at] ?? 0)), {
          withinMs: 90_000,
          everyMs: 50,
          describe: "both go through again",
        });
      };

      await goOn();
      for (let kill = 0; kill < KILLS; kill += 1) {
        await pause(rng.next() * AT_MS);
        await server.kill9();
        await pause(rng.next() * AWAY_MS);
        await server.restart();
        await goOn();
      }
      stopWriting();
      await Promise.all([notes.stop(), restarts.stop()]);

      await eventually(
        async () => {
          const complaints = writer.complaints(await node.items("--all"));
          if (complaints.length > 0) throw new Error(complaints.join("; "));
        },
        { withinMs: 60_000, everyMs: 500, describe: "every line is counted once on one item a file" },
      );
      await node.awaitRunning(60_000);

      const noted = await ask("SELECT note FROM work_item_event WHERE note LIKE 'number %' ORDER BY case_number, seq");
      expect(new Set(noted).size, "no note is there twice").toBe(noted.length);
      expect(notes.done.filter((note) => !noted.includes(note))).toEqual([]);
      expect(noted, "in the order they were written in").toEqual(
        noted.toSorted((a, b) => Number(a.split(" ")[1]) - Number(b.split(" ")[1])),
      );

      const operations = await ask(
        "SELECT requested_by, state FROM operation WHERE verb = 'restart' ORDER BY created_at, id",
      );
      const done = operations.filter((line) => line.endsWith("|done")).map((line) => line.split("|")[0] ?? "");
      expect(new Set(done).size, "no restart was done twice").toBe(done.length);
      expect(restarts.done.filter((about) => !done.includes(about.replace(" ", "-")))).toEqual([]);
      expect(operations.filter((line) => line.endsWith("|open"))).toEqual([]);

      const starts = readFileSync(node.path("starts_rec_1"), "utf8").trim().split("\n");
      expect(starts, "one start each, and the first one").toHaveLength(done.length + 1);
      const history = await ask(
        `SELECT process_status, process_id FROM process_event_log WHERE logical_process_name = 'REC' ORDER BY "timestamp", id`,
      );
      expect(history.filter((line) => line.startsWith("3000|"))).toEqual(starts.map((pid) => `3000|${pid}`));
      expect(history.map((line) => line.split("|")[0]).join(" ")).toMatch(/^3000( 3001 3000)*$/);
      const after = await node.pids();
      expect(after.get("BASE 1")).toBe(before.get("BASE 1"));
      expect(String(after.get("REC 1"))).toBe(starts.at(-1));
      process.stdout.write(
        `      ${KILLS} kills: ${writer.written} alerts, ${says("notes", notes)}, ${says("restarts", restarts)}\n`,
      );
    },
    KILLS * 120_000,
  );
});
