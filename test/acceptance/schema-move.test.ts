/** A living node goes to another database with all it knows; what it keeps runs on. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createSystemClock, silentLogger, systemRng } from "@castellan/kernel";
import { insert, type Write } from "@castellan/store";
import { readMark } from "@castellan/store/copy";
import { openGateway } from "@castellan/store/typeorm";
import { eventually, type Postgres, postgres, runCli } from "@castellan/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { isOnPostgres } from "../harness/database.ts";
import { lives, makeNode, said, type TestNode } from "../harness/node.ts";
import { ONE } from "../harness/types.ts";

/** Where the nodes of this project are not: PostgreSQL from SQLite, SQLite from PostgreSQL. */
let server: Postgres | null = null;
let node: TestNode;
let cleanUp: (() => Promise<void>)[] = [];
beforeAll(async () => {
  if (!isOnPostgres()) server = await postgres();
});
afterAll(async () => {
  await server?.stop();
});
beforeEach(async () => {
  node = await makeNode({ types: ONE, config: "# ours to keep\n" });
});
afterEach(async () => {
  try {
    await node.dispose();
  } finally {
    for (const step of cleanUp) await step();
    cleanUp = [];
  }
});

async function elsewhere(): Promise<{ readonly url: string; readonly options: readonly string[] }> {
  if (server === null) return { url: `sqlite:${node.path("data/other.db")}`, options: [] };
  const { url, password, drop } = await server.database();
  cleanUp.push(drop);
  const file = node.path("etc/new.password");
  mkdirSync(node.path("etc"), { recursive: true });
  writeFileSync(file, `${password}\n`, { mode: 0o600 });
  return { url, options: ["--password-file", file] };
}

/** More than a page. */
const LINES = 150;

/** Where a move is killed: of its commits after the end of the sentinel. */
const BEFORE_THE_FIRST = "end:1";
/** It says in the old schema that it leaves, in the new one that it fills it, and copies a page. */
const AFTER_THE_THIRD = "end:6";

const loader = new URL("../harness/kill-at-step.mjs", import.meta.url).href;

async function killedAt(at: string, words: readonly string[]): Promise<void> {
  const env = { NODE_OPTIONS: `--import=${loader}?${encodeURIComponent(`move ${at}`)}` };
  const killed = await runCli(words, { home: node.home, timeoutMs: 120_000, env });
  expect(killed.code, said(killed)).toBe(128 + 9);
  expect(lives(node.part("worker") ?? 0)).toBe(false);
}

const open = async (url: string, passwordFile?: string) =>
  await openGateway({
    url,
    ...(passwordFile && { passwordFile }),
    clock: createSystemClock(),
    rng: systemRng,
    logger: silentLogger,
    migrate: "never",
    evenIfMoved: true,
  });

async function upWithItem(): Promise<Map<string, number>> {
  const up = await node.up();
  expect(up.code, said(up)).toBe(0);
  writeFileSync(node.path("logs/sw_error"), "it broke\n");
  await eventually(async () => (await node.items()).length === 1, { describe: "its work item" });
  const noted = await node.cli("workitem", "note", "1", "seen on the old one");
  expect(noted.code, said(noted)).toBe(0);
  return await node.pids();
}

describe("castellan schema move", () => {
  it("takes work items, history and status along; no process is restarted; the old schema says where it went", async () => {
    const pids = await upWithItem();
    const before = await node.status();
    const place = await elsewhere();
    const copy = node.path("old.yaml");
    writeFileSync(copy, readFileSync(node.path("castellan.yaml")));
    const moved = await node.cli("schema", "move", place.url, ...place.options);
    expect(moved.code, said(moved)).toBe(0);
    expect(moved.stdout).toMatch(/the schema is at .+: \d+ rows of \d+ tables, each compared/);
    const yaml = readFileSync(node.path("castellan.yaml"), "utf8");
    expect(yaml).toContain("# ours to keep");
    expect(yaml).toContain(place.url);

    const after = await node.awaitRunning();
    expect(await node.pids()).toEqual(pids);
    expect(after.epoch).toBeGreaterThan(before.epoch ?? 0);
    expect(await node.items()).toMatchObject([{ caseNumber: 1, kind: "error-file" }]);
    expect(said(await node.cli("workitem", "show", "1"))).toContain("seen on the old one");
    expect(said(await node.cli("audit"))).toContain("schema.move");
    process.kill(pids.get("ONE 1") ?? Number.NaN, "SIGKILL");
    await eventually(async () => ((await node.pids()).get("ONE 1") ?? pids.get("ONE 1")) !== pids.get("ONE 1"), {
      describe: "the node keeps what it keeps",
    });
    await node.awaitRunning();

    const again = await node.cli("schema", "move", place.url, ...place.options);
    expect(again.code, said(again)).toBe(1);
    expect(said(again)).toContain("already");
    const now = readFileSync(node.path("castellan.yaml"));
    writeFileSync(node.path("castellan.yaml"), readFileSync(copy));
    for (const words of [["status"], ["up", "--detach"], ["backup", node.path("b")]]) {
      const refused = await node.cli(...words);
      expect(refused.code, said(refused)).toBe(1);
      expect(said(refused)).toContain(place.url);
    }
    writeFileSync(node.path("castellan.yaml"), now);
  });

  it("that is killed on its way has left one schema that counts at most, and is done when it is said again", async () => {
    const pids = await upWithItem();
    await node.database.commitByHand(
      node.home,
      Array.from({ length: LINES }, (_, at): Write => insert("audit_log", auditLine(at))),
    );
    const place = await elsewhere();
    const words = ["schema", "move", place.url, ...place.options];
    await killedAt(BEFORE_THE_FIRST, words);
    const kept = await node.cli("schema", "move", "--cancel");
    expect(kept.code, said(kept)).toBe(0);
    expect(kept.stdout).toMatch(/the schema stays at/);
    await node.awaitRunning();
    expect(await node.pids()).toEqual(pids);

    await killedAt(AFTER_THE_THIRD, words);
    const half = await open(place.url, place.options[1]);
    try {
      expect(await readMark(half)).toMatchObject({ state: "filling" });
    } finally {
      await half.close();
    }
    const refused = await node.cli("status");
    expect(refused.code, said(refused)).toBe(1);
    expect(said(refused)).toMatch(/being moved to .*schema move/);
    for (const pid of pids.values()) process.kill(pid, 0);

    const done = await node.cli(...words);
    expect(done.code, said(done)).toBe(0);
    await node.awaitRunning();
    expect(await node.pids()).toEqual(pids);
    const gateway = await open(place.url, place.options[1]);
    try {
      expect(await readMark(gateway)).toBeNull();
      expect((await gateway.find("audit_log", { where: { what: "test" } })).length).toBe(LINES);
    } finally {
      await gateway.close();
    }
  });
});

function auditLine(at: number) {
  return {
    id: `line-${String(at).padStart(6, "0")}`,
    happened_at: new Date(),
    by_user: "test",
    station: "here",
    command: null,
    what: "test",
    details: "{}",
  };
}
