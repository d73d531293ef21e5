/**
 * kill -9 of `schema move` and of `restore` at one step after the other: before and after each commit, file and signal. At most one schema
 * counts afterwards, and the same command, given again, brings it to its end. A few steps always, all of them with CASTELLAN_LONG=1.
 */
import { writeFileSync } from "node:fs";
import { createSystemClock, silentLogger, systemRng } from "@castellan/kernel";
import { type Gateway, insert, type Write } from "@castellan/store";
import { readMark } from "@castellan/store/copy";
import { openGateway } from "@castellan/store/typeorm";
import {
  type CliResult,
  type Postgres,
  type PostgresDatabase,
  postgres,
  runCli,
  type TempHome,
  tempHome,
  testRun,
} from "@castellan/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { said } from "../harness/node.ts";

const loader = new URL("../harness/kill-at-step.mjs", import.meta.url).href;
/** Of a test of all steps: minutes. */
const LONG_MS = 1_800_000;
const KILLED = 128 + 9;
/** More than a page of one table. */
const LINES = 150;

let server: Postgres;
let home: TempHome;
let databases: PostgresDatabase[] = [];
beforeAll(async () => {
  server = await postgres();
});
afterAll(() => server.stop());
beforeEach(async () => {
  home = await tempHome();
  const made = await castellan("init", home.path("home"));
  expect(made.code, said(made)).toBe(0);
  await withGateway({ url: `sqlite:${home.path("home/data/castellan.db")}` }, async (gateway) => {
    await gateway.commit(Array.from({ length: LINES }, (_, at) => line(at)));
  });
});
afterEach(async () => {
  await home.remove();
  for (const { drop } of databases.splice(0)) await drop();
});

const castellan = (...args: string[]): Promise<CliResult> =>
  runCli(args, { home: home.path("home"), timeoutMs: 120_000 });

/** `command` is one of its words. */
const killedAt = (step: number, command: string, ...args: string[]): Promise<CliResult> =>
  runCli(args, {
    home: home.path("home"),
    timeoutMs: 120_000,
    env: { NODE_OPTIONS: `--import=${loader}?${encodeURIComponent(`${command} ${step}`)}` },
  });

interface Place {
  readonly url: string;
  readonly passwordFile?: string;
}

async function withGateway<T>(place: Place, use: (gateway: Gateway) => Promise<T>, evenIfMoved = true): Promise<T> {
  const common = { clock: createSystemClock(), rng: systemRng, logger: silentLogger };
  const gateway = await openGateway({ ...place, ...common, migrate: "never", evenIfMoved });
  try {
    return await use(gateway);
  } finally {
    await gateway.close();
  }
}

const line = (at: number): Write =>
  insert("audit_log", {
    id: `line-${String(at).padStart(6, "0")}`,
    happened_at: new Date(),
    by_user: "test",
    station: "here",
    command: null,
    what: "test",
    details: "{}",
  });

const linesIn = (place: Place): Promise<number> =>
  withGateway(place, async (gateway) => (await gateway.find("audit_log", { where: { what: "test" } })).length, false);

/** Whether a node could work with it: there is a schema, with a node, and no mark. */
async function counts(place: Place): Promise<boolean> {
  try {
    return await withGateway(
      place,
      async (gateway) => (await readMark(gateway)) === null && (await gateway.find("nodes")).length > 0,
    );
  } catch (thrown) {
    if (String(thrown).includes("holds no schema yet")) return false;
    throw thrown;
  }
}

async function onPostgres(): Promise<Place> {
  const database = await server.database();
  databases.push(database);
  const passwordFile = home.path(`${database.name}.password`);
  writeFileSync(passwordFile, `${database.password}\n`, { mode: 0o600 });
  return { url: database.url, passwordFile };
}

/** The steps of a test: some, or one after the other until one more is never reached. */
const { isLong } = testRun();
const stepsOf = (some: readonly number[]): readonly number[] =>
  isLong ? Array.from({ length: 500 }, (_, at) => at + 1) : some;

describe("kill -9", () => {
  it("of schema move, on the way to PostgreSQL and back", { timeout: LONG_MS }, async () => {
    let from: Place = { url: `sqlite:${home.path("home/data/castellan.db")}` };
    const done = { there: false, back: false };
    for (const step of stepsOf([26])) {
      for (const way of ["there", "back"] as const) {
        const to = way === "there" ? await onPostgres() : { url: `sqlite:${home.path(`after-${step}.db`)}` };
        const words = [
          "schema",
          "move",
          to.url,
          ...(to.passwordFile === undefined ? [] : ["--password-file", to.passwordFile]),
        ];
        const killed = await killedAt(step, "move", ...words);
        expect([0, KILLED], `${way} ${step}: ${said(killed)}`).toContain(killed.code);
        done[way] = killed.code === 0;
        const before = [await counts(from), await counts(to)];
        expect(before, `${way} ${step}`).not.toEqual([true, true]);
        const again = await castellan(...words);
        // All was done but for its own end.
        const isThere = said(again).includes("is at") && said(again).includes("already");
        expect(again.code === 0 || isThere, `${way} ${step}: ${said(again)}`).toBe(true);
        expect([await counts(from), await counts(to)], `${way} ${step}`).toEqual([false, true]);
        expect(await linesIn(to)).toBe(LINES);
        from = to;
      }
      if (done.there && done.back) break;
    }
    expect(done).toEqual({ there: isLong, back: isLong });
  });

  it.each(["SQLite", "PostgreSQL"])("of restore, on %s", { timeout: LONG_MS }, async (name) => {
    let place: Place = { url: `sqlite:${home.path("home/data/castellan.db")}` };
    if (name === "PostgreSQL") {
      place = await onPostgres();
      const moved = await castellan("schema", "move", place.url, "--password-file", place.passwordFile ?? "");
      expect(moved.code, said(moved)).toBe(0);
    }
    const file = home.path("a.backup");
    expect((await castellan("backup", file)).code).toBe(0);
    let isDone = false;
    for (const step of stepsOf([11])) {
      const killed = await killedAt(step, "restore", "restore", file, "--replace");
      expect([0, KILLED], `${step}: ${said(killed)}`).toContain(killed.code);
      isDone = killed.code === 0;
      const mark = await withGateway(place, readMark);
      expect([undefined, "filling"], `${step}`).toContain(mark?.state);
      const again = await castellan("restore", file, "--replace");
      expect(again.code, `${step}: ${said(again)}`).toBe(0);
      expect(await linesIn(place)).toBe(LINES);
      if (isDone) break;
    }
    expect(isDone).toBe(isLong);
  });
});
