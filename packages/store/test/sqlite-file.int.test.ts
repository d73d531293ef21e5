/** What only a file shared by processes can show: locks, kills, broken files, migrations that meet. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Clock } from "@castellan/kernel";
import { type Gateway, insert, update } from "@castellan/store";
import { type Mark, setMark, takeMarkAway } from "@castellan/store/copy";
import { eventually } from "@castellan/testkit";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { NOON, nodeStateRow, serverRow } from "../src/testing/rows.ts";
import { MOVES_SINCE } from "../src/typeorm/admission.ts";
import { sqlite } from "../src/typeorm/dialects/sqlite.ts";
import { describeDrift } from "../src/typeorm/migrate.ts";
import { sqliteSource } from "../src/typeorm/sqlite-connection.ts";
import { fitOf, SCHEMA_VERSION } from "../src/typeorm/version.ts";
import { sqliteFile, type TestFile } from "./files.ts";

const MODES = ["never", "ifEmpty", "always"] as const;

let file: TestFile;
const children: ChildProcess[] = [];
const handles: Database.Database[] = [];

beforeEach(async () => {
  file = await sqliteFile();
});
afterEach(async () => {
  for (const handle of handles.splice(0)) handle.close();
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  await file.remove();
});

function rawHandle(): Database.Database {
  const handle = new Database(file.path, { timeout: 1000 });
  handles.push(handle);
  return handle;
}

const usableFrom = () => rawHandle().prepare("SELECT MAX(usable_from) FROM schema_version").pluck().get();

async function counters(gateway: Gateway): Promise<{ fence: number | undefined; incarnation: number | undefined }> {
  const [[state], [sentinel]] = await Promise.all([gateway.find("node_state"), gateway.find("sentinel")]);
  return { fence: state?.fence, incarnation: sentinel?.incarnation };
}

const bothCounters = [
  insert("node_state", nodeStateRow()),
  insert("sentinel", {
    logical_machine_id: 1,
    incarnation: 0,
    nonce: "n",
    started_at: NOON,
    last_seen_at: NOON,
    ended_at: null,
  }),
];

function fromTheFuture(version: number, usableFrom: number): void {
  rawHandle()
    .prepare("INSERT INTO schema_version VALUES (?, 'from-the-future', '2030-01-01 00:00:00.000', ?)")
    .run(version, usableFrom);
}

describe("a lock that another process holds", () => {
  it("makes a commit wait without stopping the program, and not fail", async () => {
    const gateway = await file.open();
    const holder = rawHandle();
    holder.exec("BEGIN IMMEDIATE");
    let ended = false;
    const commit = gateway.commit([insert("node_cluster", serverRow(1))]).finally(() => {
      ended = true;
    });
    // Turns of the event loop while the commit waits: it waits in between, not within.
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(ended).toBe(false);
    expect(await gateway.find("node_cluster"), "a reader does not wait").toEqual([]);
    holder.exec("COMMIT");
    expect(await commit).toEqual([1]);
  });

  it("is given up after the budget, with nothing written", async () => {
    const gateway = await file.open({ clock: hastyClock() });
    const holder = rawHandle();
    holder.exec("BEGIN IMMEDIATE");
    await expect(gateway.commit([insert("node_cluster", serverRow(1))])).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
      retryable: true,
      message: expect.stringMatching(/stayed busy/),
    });
    holder.exec("COMMIT");
    expect(await gateway.commit([insert("node_cluster", serverRow(1))])).toEqual([1]);
  });
});

describe("several processes", () => {
  it("lose no commit", async () => {
    const gateway = await file.open();
    await gateway.commit(bothCounters);
    const ends = await Promise.all([1, 2, 3].map(() => finished(writer("add", 100))));
    expect(ends).toEqual([0, 0, 0]);
    expect(await counters(gateway)).toEqual({ fence: 300, incarnation: 300 });
  });

  it("leave no half of a commit when killed", async () => {
    const gateway = await file.open();
    await gateway.commit(bothCounters);
    for (let round = 0; round < 3; round += 1) {
      const child = writer("add", 1_000_000);
      await ready(child);
      await moved(gateway);
      child.kill("SIGKILL");
      await once(child, "exit");
      const { fence, incarnation } = await counters(gateway);
      expect(fence).toBe(incarnation);
      expect(await gateway.commit([update("node_state", { id: 1 }, { fence: { add: 0 } })])).toEqual([1]);
    }
  });

  it("that find the schema ready load no TypeORM", async () => {
    await file.open();
    const child = writer("look");
    const output = collect(child);
    expect(await finished(child)).toBe(0);
    expect(JSON.parse(output().trim().split("\n").at(-1) ?? "")).toEqual({ typeorm: false });
  });
});

describe("a migration", () => {
  it("is run once, however many open the file at the same moment", async () => {
    const seed = writer("add", 0);
    const gateways = await Promise.all(Array.from({ length: 5 }, () => file.open({ migrate: "always" })));
    expect(await finished(seed)).toBe(0);
    for (const gateway of gateways) expect(await gateway.find("node_cluster")).toEqual([]);
    expect(rawHandle().prepare("SELECT version, name, usable_from FROM schema_version").all()).toEqual([
      { version: 1, name: "first-tables", usable_from: 1 },
      { version: 2, name: "life-of-an-installation", usable_from: 1 },
    ]);
  });

  it("creates the schema that is written down", async () => {
    await file.open();
    const created = rawHandle()
      .prepare("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid")
      .pluck()
      .all()
      .join(";\n");
    await expect(`${created};\n`).toMatchFileSnapshot("schema.sqlite.sql");
  });

  it("creates the schema that is designed, and a difference is seen", async () => {
    await file.open();
    const drift = async (): Promise<string[]> =>
      await describeDrift({ dialect: sqlite, source: sqliteSource(file.path) });
    expect(await drift()).toEqual([]);
    rawHandle().exec("DROP INDEX uq_node_cluster_master; ALTER TABLE nodes DROP COLUMN dir_name");
    expect((await drift()).join("\n")).toMatch(/dir_name[^]*uq_node_cluster_master/);
  });

  it("is not run by a program that may not", async () => {
    await expect(file.open({ migrate: "never" })).rejects.toMatchObject({
      code: "SCHEMA",
      message: expect.stringContaining("holds no schema yet"),
    });
    await file.open();
    await (await file.open({ migrate: "never" })).find("nodes");
  });

  it("by a newer program is gone on with, or refused, as it says itself", async () => {
    await file.open();
    fromTheFuture(SCHEMA_VERSION + 1, SCHEMA_VERSION);
    for (const migrate of MODES) await (await file.open({ migrate })).find("nodes");
    fromTheFuture(SCHEMA_VERSION + 2, SCHEMA_VERSION + 1);
    for (const migrate of MODES) {
      await expect(file.open({ migrate })).rejects.toMatchObject({
        code: "SCHEMA",
        message: expect.stringMatching(
          /a schema of version \d+, of which this program knows \d+ at most: install the newer/,
        ),
      });
    }
  });

  it("admits no program that knows nothing of moves for as long as the schema does not count, by the very commits that say so", async () => {
    const gateway = await file.open();
    const leaving: Mark = { moveId: "m", state: "leaving", other: "postgres://db/ips1", changedAt: NOON };
    expect([usableFrom(), MOVES_SINCE]).toEqual([1, { version: 2, usableFrom: 1 }]);
    expect(await gateway.commit([setMark(null, leaving)])).toEqual([1]);
    expect(usableFrom()).toBe(2);
    expect(fitOf({ version: 2, usableFrom: 2 }, 1)).toBe("too-new");
    await (await file.open({ migrate: "never", evenIfMoved: true })).find("nodes");
    await expect(gateway.commit([takeMarkAway({ ...leaving, moveId: "another" })])).rejects.toThrow();
    await gateway.commit([setMark(leaving, { ...leaving, state: "left" })]);
    expect(usableFrom()).toBe(2);
    expect(await gateway.commit([takeMarkAway({ ...leaving, state: "left" })])).toEqual([1]);
    expect(usableFrom()).toBe(1);
    // What a later migration has said stays.
    fromTheFuture(SCHEMA_VERSION + 1, SCHEMA_VERSION);
    await gateway.commit([setMark(null, leaving)]);
    await gateway.commit([takeMarkAway(leaving)]);
    expect(usableFrom()).toBe(SCHEMA_VERSION);
  });

  it("that fails leaves the file as it was", async () => {
    rawHandle().exec("CREATE TABLE audit_log (mine int)");
    await expect(file.open()).rejects.toThrow(/already exists/);
    expect(rawHandle().prepare("SELECT name FROM sqlite_master WHERE type = 'table'").pluck().all()).toEqual([
      "audit_log",
    ]);
  });

  it("that somebody undid is named when a table is gone", async () => {
    const gateway = await file.open();
    rawHandle().exec("DROP TABLE audit_log");
    await expect(gateway.find("audit_log")).rejects.toMatchObject({ code: "SCHEMA" });
  });
});

describe("a file that cannot be used", () => {
  it("is named, with what to do about it", async () => {
    await writeFile(
      file.path,
      "this is a text file, and long enough to be looked at as a header of a database. ".repeat(9),
    );
    await expect(file.open()).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
      message: expect.stringMatching(/node\.db: .*; the file is not a SQLite database: check the path/),
    });
    expect(await readFile(file.path, "utf8")).toContain("a text file");
  });

  it("is a directory, or in a directory that is not there", async () => {
    await mkdir(file.path);
    await expect(file.open()).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await expect(file.open({ url: `sqlite:${file.path}/no/where.db` })).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
      message: expect.stringContaining("its directory must exist"),
    });
  });
});

describe("a URL", () => {
  it.each([
    ["mysql://x", /begins with/],
    ["node.db", /begins with/],
    ["sqlite:", /needs the path/],
  ])("%s is refused", async (url, message) => {
    await expect(file.open({ url })).rejects.toMatchObject({
      code: "DATABASE_URL",
      message: expect.stringMatching(message),
    });
  });

  it("with an absolute path may be written as other programs do", async () => {
    const gateway = await file.open({ url: `sqlite://${file.path}` });
    await gateway.commit([insert("node_cluster", serverRow(1))]);
    expect(await (await file.open()).find("node_cluster")).toHaveLength(1);
  });
});

/** A clock on which every wait is over at once. */
function hastyClock(): Clock {
  let ms = 0;
  return {
    now: () => NOON,
    bootMs: () => ms,
    after(delayMs, fire) {
      const timer = setImmediate(() => {
        ms += delayMs * 20;
        fire();
      });
      return { cancel: () => clearImmediate(timer) };
    },
  };
}

function writer(what: "add" | "look", count = 0): ChildProcess {
  const script = fileURLToPath(new URL("fixtures/writer.ts", import.meta.url));
  const child = spawn(
    process.execPath,
    ["--conditions=@castellan/source", "--import", "tsx", script, file.path, what, String(count)],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  children.push(child);
  return child;
}

async function finished(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  return child.exitCode;
}

async function ready(child: ChildProcess): Promise<void> {
  if (child.stdout !== null) await once(child.stdout, "data");
}

function collect(child: ChildProcess): () => string {
  let text = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  return () => text;
}

/** Until the other process has committed something more. */
async function moved(gateway: Gateway): Promise<void> {
  const before = await counters(gateway);
  await eventually(async () => (await counters(gateway)).fence !== before.fence);
}
