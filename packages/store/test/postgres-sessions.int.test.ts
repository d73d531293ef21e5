/** What our sessions on a PostgreSQL server leave behind: nothing when idle, no lock when frozen, no commit when given up. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { createSystemClock, silentLogger, systemRng } from "@castellan/kernel";
import { type Gateway, insert, update } from "@castellan/store";
import { openGateway, openSnapshot } from "@castellan/store/typeorm";
import {
  eventually,
  type Postgres,
  type PostgresDatabase,
  postgres,
  postgresBinaries,
  type TempHome,
  tempHome,
} from "@castellan/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { nodeStateRow } from "../src/testing/rows.ts";

const missing = postgresBinaries() === undefined ? " (skipped: install Debian's postgresql to run it)" : "";

const common = { clock: createSystemClock(), rng: systemRng, logger: silentLogger };

describe.skipIf(missing !== "")(`sessions on a PostgreSQL server${missing}`, () => {
  let server: Postgres;
  let database: PostgresDatabase;
  let home: TempHome;
  let gateway: Gateway;
  beforeAll(async () => {
    server = await postgres();
  });
  afterAll(async () => {
    await server?.stop();
  });
  beforeEach(async () => {
    database = await server.database();
    home = await tempHome();
    await writeFile(home.path("password"), `${database.password}\n`);
    gateway = await openGateway({
      url: database.url,
      passwordFile: home.path("password"),
      ...common,
      migrate: "ifEmpty",
    });
    await gateway.commit([insert("node_state", nodeStateRow())]);
  });
  afterEach(async () => {
    await gateway.close();
    await database.drop();
    await home.remove();
  });

  const OURS = () => `FROM pg_stat_activity WHERE application_name = 'castellan' AND datname = '${database.name}'`;
  const sessions = async (): Promise<number> => Number(await server.sql(`SELECT count(*) ${OURS()}`));
  const fenceOf = async (): Promise<number | undefined> => (await gateway.find("node_state"))[0]?.fence;
  /** How many after so many reads. On a machine that stands still for long they may be gone before they are counted. */
  const used = (reads: number) => async (): Promise<number | null> => {
    await Promise.all(Array.from({ length: reads }, () => gateway.find("node_state")));
    return (await sessions()) || null;
  };
  const bump = update("node_state", { id: 1 }, { fence: { add: 1 } });

  it("are gone a few seconds after the last statement, and back with the next", async () => {
    expect(await eventually(used(8))).toBe(4);
    await eventually(async () => (await sessions()) === 0, { withinMs: 30_000, everyMs: 100, describe: "no session" });
    expect(await eventually(used(1))).toBe(1);
    expect(await fenceOf()).toBe(0);
  });

  it("that are ended by the server cost a read nothing but another attempt", async () => {
    for (let round = 0; round < 5; round += 1) {
      expect(await fenceOf()).toBe(0);
      await server.sql(`SELECT pg_terminate_backend(pid) ${OURS()}`);
      expect(await fenceOf()).toBe(0);
    }
  });

  it("hold no lock for long when their program stands still inside a transaction", async () => {
    const script = fileURLToPath(new URL("fixtures/lock-holder.ts", import.meta.url));
    const child = spawn(
      process.execPath,
      ["--conditions=@castellan/source", "--import", "tsx", script, database.url, home.path("password")],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    try {
      await once(child.stdout, "data");
      child.kill("SIGSTOP");
      // A commit that is given up on a busy database has written nothing.
      expect(await eventually(() => gateway.commit([bump]))).toEqual([1]);
      expect(await fenceOf()).toBe(1); // the holder's own addition is undone
    } finally {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
  });

  it("with a commit that was given up are ended before anything else is answered", async () => {
    expect(await fenceOf()).toBe(0);
    const pids = (await server.sql(`SELECT pid ${OURS()}`)).split("\n").map(Number);
    for (const pid of pids) process.kill(pid, "SIGSTOP");
    try {
      await expect(gateway.commit([bump])).rejects.toMatchObject({ code: "STORE_AMBIGUOUS" });
      // The request is in a socket's buffer still: nobody can say yet what becomes of it.
      await expect(gateway.commit([bump])).rejects.toMatchObject({
        code: "STORE_UNAVAILABLE",
        message: expect.stringContaining("still under way"),
      });
    } finally {
      for (const pid of pids) process.kill(pid, "SIGCONT");
    }
    const seen = await eventually(() => gateway.find("node_state"), { describe: "it is settled" });
    expect(seen[0]?.fence).toBe(0);
    expect((await server.sql(`SELECT pid ${OURS()}`)).split("\n").map(Number)).not.toContain(pids[0]);
    expect(await gateway.commit([bump])).toEqual([1]);
    expect(await fenceOf()).toBe(1);
  });

  it("let go of their sockets although the server stands still, the one that reads a moment too", async () => {
    expect(await fenceOf()).toBe(0);
    const snapshot = await openSnapshot({
      url: database.url,
      passwordFile: home.path("password"),
      ...common,
      onBrokenValue: () => undefined,
    });
    expect(await snapshot.find("node_state")).toHaveLength(1);
    await server.freeze();
    try {
      await Promise.all([gateway.close(), snapshot.close()]);
    } finally {
      server.thaw();
    }
    await eventually(async () => (await sessions()) === 0, { withinMs: 30_000, describe: "the server has noticed" });
  });
});
