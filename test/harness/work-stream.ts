/**
 * A node at work while something fails: error files grow, somebody restarts a process and somebody else writes notes on a
 * work item, one after the other without end. In the end every alert must be one occurrence; every command that said it was
 * done has its effect, once, and none that did not say so has it twice; the history is complete and in order, and what nobody
 * asked to touch is not touched.
 */
import { readFileSync } from "node:fs";
import { type CliResult, eventually, fakePrograms, type PostgresAdmin } from "@castellan/testkit";
import { expect } from "vitest";
import { createAlertWriter } from "./alert-writer.ts";
import { said, type TestNode } from "./node.ts";

/** BASE, which nobody touches, and REC, which writes down its starts. */
export const WORK_TYPES = `
types:
  BASE: { command: ${JSON.stringify([process.execPath, fakePrograms.steady])} }
  REC:
    command: ${JSON.stringify([process.execPath, fakePrograms.recording, "{home}/starts_{type}_{instance}"])}
    dependsOn: [BASE]
    ready: { logLine: "^started" }
servers:
  master: { BASE: 1, REC: 1 }
`;

/** What an outage has held up is written down after it. */
const SOON = { withinMs: 120_000, everyMs: 500 };

/** Settles when a note and a restart that began after the call have gone through. */
export type GoOn = () => Promise<void>;

/**
 * Has a node of `WORK_TYPES` at work while `fault` goes on, and from before it until all goes through again; then looks at
 * what has become of it. It is the only node whose database is on this server. Gives what was done in figures.
 */
export async function atWork(
  node: TestNode,
  server: PostgresAdmin,
  fault: (goOn: GoOn) => Promise<void>,
): Promise<string> {
  const database = await server.sql("SELECT datname FROM pg_database WHERE datname LIKE 'node_%'");
  const ask = async (sql: string): Promise<string[]> =>
    (await server.sql(sql, database)).split("\n").filter((line) => line !== "");
  const { master } = await node.awaitRunning(120_000);
  const before = await eventually(() => node.pids(), { withinMs: 120_000, everyMs: 200 });
  const writer = createAlertWriter(node.home);
  writer.write();
  const first = await eventually(async () => (await node.items())[0] ?? null, { withinMs: 120_000, everyMs: 200 });
  const writing = setInterval(() => writer.write(), 200);
  const notes = keepCommanding((about) => node.cli("workitem", "note", String(first.caseNumber), about));
  const restarts = keepCommanding((about) =>
    node.cli("restart", master ?? "", "REC", "--timeout", "30", "--as", about.replace(" ", "-")),
  );
  const goOn: GoOn = async () => {
    const from = [notes, restarts].map(({ begun }) => begun());
    await eventually(() => [notes, restarts].every(({ lastDone }, at) => lastDone() > (from[at] ?? 0)), {
      withinMs: 120_000,
      everyMs: 50,
      describe: "both go through again",
    });
  };

  const checkNotes = async (): Promise<void> => {
    const noted = await ask("SELECT note FROM work_item_event WHERE note LIKE 'number %' ORDER BY case_number, seq");
    expect(new Set(noted).size, "no note is there twice").toBe(noted.length);
    expect(notes.done.filter((note) => !noted.includes(note))).toEqual([]);
    expect(noted, "in the order they were written in").toEqual(
      noted.toSorted((a, b) => Number(a.split(" ")[1]) - Number(b.split(" ")[1])),
    );
  };
  const checkRestarts = async (): Promise<void> => {
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
  };

  try {
    await goOn();
    await fault(goOn);
    await goOn();
  } finally {
    clearInterval(writing);
    await Promise.all([notes.stop(), restarts.stop()]);
  }
  await eventually(
    async () => {
      const complaints = writer.complaints(await node.items("--all"));
      if (complaints.length > 0) throw new Error(complaints.join("; "));
    },
    { ...SOON, describe: "every line is counted once on one item a file" },
  );
  await node.awaitRunning(120_000);
  await eventually(checkNotes, SOON);
  await eventually(checkRestarts, SOON);
  return `${writer.written} alerts, ${says("notes", notes)}, ${says("restarts", restarts)}`;
}

interface Commands {
  /** What each command was about, by how it ended. */
  readonly done: readonly string[];
  readonly refused: readonly string[];
  /** The number of the latest that has begun, and of the latest that is done. */
  begun(): number;
  lastDone(): number;
  /** After the command in hand. */
  stop(): Promise<void>;
}

/** One command after another, each about something of its own. Throws on `stop` for a failure that no outage causes. */
function keepCommanding(command: (about: string) => Promise<CliResult>): Commands {
  const done: string[] = [];
  const refused: string[] = [];
  let number = 0;
  let lastDone = 0;
  const stopping = new AbortController();
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      number += 1;
      const about = `number ${number}`;
      const result = await command(about);
      // Refused, not reachable, timed out: the three that an outage may cause.
      if (![0, 1, 3, 4].includes(result.code)) throw new Error(`${about} ended with ${result.code}: ${said(result)}`);
      (result.code === 0 ? done : refused).push(about);
      if (result.code === 0) lastDone = number;
    }
  };
  const running = run();
  running.catch(() => undefined); // whoever stops it hears of it
  return {
    done,
    refused,
    begun: () => number,
    lastDone: () => lastDone,
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

const says = (name: string, { done, refused }: Commands): string =>
  `${done.length} ${name} done, ${refused.length} not`;
