/**
 * A SQLite file in a thread of its own: whatever it waits for, the program goes on; every request ends within a bound, and says
 * as much of what was written as anybody can know. A slow disk is played by statements that take their time in the driver.
 */
import { existsSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type Clock, createSystemClock, silentLogger, systemRng } from "@castellan/kernel";
import { type Gateway, insert } from "@castellan/store";
import { eventually, type TempHome, tempHome } from "@castellan/testkit";
import { build } from "esbuild";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { serverRow } from "../src/testing/rows.ts";
import type { Connection } from "../src/typeorm/connection.ts";
import { sqlite } from "../src/typeorm/dialects/sqlite.ts";
import { createSqlGateway } from "../src/typeorm/sql-gateway.ts";
import { type ApartOptions, openSqliteApart } from "../src/typeorm/sqlite-apart.ts";
import type { BatchStatement } from "../src/typeorm/statements.ts";
import { sqliteFile, type TestFile } from "./files.ts";
import { counterRow, countOf, countUp, outcomeOf, withFreeLoop } from "./stream.ts";

let place: TempHome;
let program: URL;
let file: TestFile;
const opened: Connection[] = [];

beforeAll(async () => {
  place = await tempHome();
  const driver = fileURLToPath(import.meta.resolve("better-sqlite3"));
  const outfile = place.path("sqlite-thread.mjs");
  await build({
    entryPoints: [fileURLToPath(new URL("../src/typeorm/sqlite-thread.ts", import.meta.url))],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    conditions: ["@castellan/source"],
    external: [driver],
    alias: { "better-sqlite3": driver },
  });
  program = pathToFileURL(outfile);
});
afterAll(() => place.remove());
beforeEach(async () => {
  file = await sqliteFile();
  const gateway = await file.open();
  await gateway.commit([counterRow(1), insert("node_cluster", serverRow(1))]);
});
afterEach(async () => {
  for (const connection of opened.splice(0)) await connection.close();
  await file.remove();
});

/** Bounds that no test comes near by being slow. */
const PATIENT = { answerMs: 60_000, openMs: 60_000, heapMb: 256 };

async function apart(over: Partial<ApartOptions & { readonly clock: Clock }> = {}): Promise<Connection> {
  const { clock = createSystemClock(), ...options } = over;
  const connection = await openSqliteApart(file.path, clock, { ...PATIENT, program, ...options });
  opened.push(connection);
  return connection;
}

async function apartGateway(): Promise<Gateway> {
  const patience = { clock: createSystemClock(), rng: systemRng };
  return createSqlGateway({
    dialect: sqlite,
    connection: await apart(),
    label: "a file",
    patience,
    logger: silentLogger,
  });
}

/** Counts in the driver, which takes its time: this many are a tenth of a second or more or more. */
const counting = (to: number): string =>
  `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${to}) SELECT max(i) AS most FROM n`;
const MANY = 1_000_000;
const renamed = (name: string): BatchStatement => ({
  table: "node_cluster",
  sql: `UPDATE node_cluster SET machine_comment = ${name}`,
  params: [],
  expect: 1,
  mayExist: false,
});
const comments = { sql: "SELECT machine_comment FROM node_cluster", params: [] };

describe("while a statement takes long", () => {
  it("the program goes on", async () => {
    const { commit, read } = await apart();
    await withFreeLoop(async () => {
      expect(await commit([renamed(`'counted ' || (${counting(MANY)})`)])).toEqual([1]);
      expect(await read({ sql: counting(MANY), params: [] })).toEqual([{ most: MANY }]);
    });
  });

  it("a commit without an answer is in doubt, what waits behind it has written nothing, and the next read knows", async () => {
    const clock = clockByHand();
    const { commit, read } = await apart({ clock });
    const first = outcomeOf(commit([renamed(`'first ' || (${counting(5 * MANY)})`)]));
    const second = outcomeOf(commit([renamed("'second'")]));
    clock.fire();
    expect(await first).toMatchObject({
      code: "STORE_AMBIGUOUS",
      message: expect.stringMatching(/the disk of .*node\.db: no answer within 60000 ms/),
    });
    expect(await second).toMatchObject({
      code: "STORE_UNAVAILABLE",
      message: expect.stringMatching(/has not answered for 60000 ms: check it; nothing was written/),
    });
    expect(await read(comments)).toEqual([{ machine_comment: `first ${5 * MANY}` }]);
    expect(await commit([renamed("'third'")]), "it is over when the disk is back").toEqual([1]);
  });
});

describe("what is thrown", () => {
  it("is told apart as without the thread", async () => {
    const gateway = await apartGateway();
    await expect(gateway.commit([countUp(1, 0), countUp(1, 7)])).rejects.toMatchObject({
      code: "STORE_CONFLICT",
      index: 1,
    });
    await expect(gateway.commit([countUp(1, 0), counterRow(1)])).rejects.toMatchObject({ code: "STORE_DUPLICATE" });
    expect(await countOf(gateway, 1)).toBe(0);
    await rm(file.path);
    expect(await outcomeOf(gateway.commit([countUp(1, 0)]))).toMatchObject({
      code: "STORE_UNAVAILABLE",
      message: expect.stringMatching(/was deleted while it was in use: put it back/),
    });
  });

  it("by the driver keeps its code, also when the file cannot be opened", async () => {
    await expect(
      openSqliteApart(file.path.replace("node.db", ""), createSystemClock(), { ...PATIENT, program }),
    ).rejects.toMatchObject({ code: "SQLITE_CANTOPEN" });
  });
});

const DIES_AFTER_OPENING = `import { parentPort } from "node:worker_threads";
  parentPort.on("message", ({ what }) => what === "open" ? parentPort.postMessage({ kind: "done" }) : process.exit(1));`;

it("a thread that dies is named, and the next request starts another", async () => {
  const dying = place.path("dying.mjs");
  await writeFile(dying, DIES_AFTER_OPENING);
  const { read, commit } = await apart({ program: pathToFileURL(dying) });
  const died = /the thread of .*node\.db died: it ended/;
  for (let round = 0; round < 2; round += 1) {
    expect(await outcomeOf(read(comments))).toMatchObject({
      code: "STORE_UNAVAILABLE",
      message: expect.stringMatching(died),
    });
    expect(await outcomeOf(commit([renamed("'x'")]))).toMatchObject({
      code: "STORE_AMBIGUOUS",
      message: expect.stringMatching(died),
    });
  }
});

it("a thread that cannot be begun is said, and the next request begins another", async () => {
  const dying = place.path("dying-soon.mjs");
  await writeFile(dying, DIES_AFTER_OPENING);
  const programs = [pathToFileURL(dying), new URL("https://nowhere/")];
  const options = {
    ...PATIENT,
    get program() {
      return programs.shift() ?? program;
    },
  };
  const connection = await openSqliteApart(file.path, createSystemClock(), options);
  opened.push(connection);
  const { read } = connection;
  expect(await outcomeOf(read(comments))).toMatchObject({
    message: expect.stringMatching(/thread of .*node\.db died/),
  });
  expect(await outcomeOf(read(comments))).toMatchObject({
    code: "STORE_UNAVAILABLE",
    message: expect.stringMatching(/thread of .*node\.db cannot be told/),
  });
  expect(await read(comments)).toHaveLength(1);
});

it("a thread that takes another's place makes no empty file where the file was deleted", async () => {
  const dying = place.path("dying-once.mjs");
  await writeFile(
    dying,
    `import { parentPort, workerData } from "node:worker_threads";
     if (workerData.mustExist) await import(${JSON.stringify(program.href)});
     else parentPort.on("message", ({ what }) => what === "open" ? parentPort.postMessage({ kind: "done" }) : process.exit(1));`,
  );
  const { read } = await apart({ program: pathToFileURL(dying) });
  expect(await outcomeOf(read(comments)), "its first thread dies").toMatchObject({ code: "STORE_UNAVAILABLE" });
  await rm(file.path);
  expect(await outcomeOf(read(comments))).toMatchObject({
    code: "STORE_UNAVAILABLE",
    message: expect.stringMatching(/was deleted while it was in use: put it back/),
  });
  expect(existsSync(file.path)).toBe(false);
});

it("one thread at most is left to itself: the file is opened again when that is back", async () => {
  const clock = clockByHand();
  const connection = await openSqliteApart(file.path, clock, { ...PATIENT, program });
  const long = outcomeOf(connection.read({ sql: counting(5 * MANY), params: [] }));
  const closing = connection.close();
  clock.fire();
  expect(await long).toMatchObject({ code: "STORE_UNAVAILABLE" });
  await closing;
  expect(await outcomeOf(apart())).toMatchObject({
    code: "STORE_UNAVAILABLE",
    message: expect.stringMatching(/has not answered since the file was opened last: check it/),
  });
  const again = await eventually(() => apart(), { withinMs: 60_000 });
  expect(await again.read(comments)).toHaveLength(1);
});

/** A clock on which a wait is over when the test says so. */
function clockByHand(): Clock & { fire(): void } {
  const waits = new Set<() => void>();
  return {
    ...createSystemClock(),
    after(_delayMs, fire) {
      waits.add(fire);
      return { cancel: () => waits.delete(fire) };
    },
    fire() {
      for (const fire of waits) fire();
    },
  };
}
