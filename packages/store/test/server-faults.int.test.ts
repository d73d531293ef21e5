/**
 * What goes wrong on a PostgreSQL server that can be reached: victims of deadlocks and of serialization, a full disk, no
 * connection left, read-only; and a server that dies or restarts under a stream of commits. What may succeed in a moment is
 * tried again, what will not is named with its remedy, and nothing is written twice.
 */
import { chown, mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Gateway, insert } from "@castellan/store";
import {
  eventually,
  type Postgres,
  type PostgresDatabase,
  postgres,
  postgresBinaries,
  smallDisk,
  type TempHome,
  tempHome,
  whyNoSmallDisk,
} from "@castellan/testkit";
import { Client } from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { NOON } from "../src/testing/rows.ts";
import { openHere } from "./open-here.ts";
import { counterRow, countOf, countUp, outcomeOf, streamOf, withFreeLoop } from "./stream.ts";

const missing = postgresBinaries() === undefined ? " (skipped: install Debian's postgresql to run it)" : "";
const noDisk = whyNoSmallDisk() === undefined ? "" : ` (skipped: ${whyNoSmallDisk()})`;

describe.skipIf(missing !== "")(`a PostgreSQL server that can be reached${missing}`, () => {
  let server: Postgres;
  let database: PostgresDatabase;
  let home: TempHome;
  let gateway: Gateway;
  const others: Client[] = [];
  beforeAll(async () => {
    // Few connections, so that they can be used up.
    server = await postgres({ settings: { max_connections: "12", superuser_reserved_connections: "3" } });
  });
  afterAll(async () => {
    await server?.stop();
  });
  beforeEach(async () => {
    database = await server.database();
    home = await tempHome();
    await writeFile(home.path("password"), `${database.password}\n`);
    gateway = await open();
    await gateway.commit([counterRow(1), counterRow(2)]);
  });
  afterEach(async () => {
    await Promise.all(others.splice(0).map((other) => other.end()));
    await gateway.close();
    await database.drop();
    await home.remove();
  });

  const open = (): Promise<Gateway> =>
    openHere({
      url: database.url,
      passwordFile: home.path("password"),
    });
  /** A session of somebody else. */
  async function someone(as: "superuser" | "owner" = "superuser"): Promise<Client> {
    const url = new URL(as === "superuser" ? `/${database.name}` : database.url, server.url);
    if (as === "owner") url.password = encodeURIComponent(database.password);
    const client = new Client({ connectionString: url.href });
    // Its connection may be ended by what the test does.
    client.on("error", () => others.splice(others.indexOf(client), 1));
    await client.connect();
    others.push(client);
    return client;
  }
  /** All of this database, ours and others. */
  const endSessions = (): Promise<string> =>
    server.sql(`SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '${database.name}'`);
  /** How many there were so far: a session counts them for all to see when it ends. */
  async function deadlocks(): Promise<number> {
    await endSessions();
    return Number(await server.sql(`SELECT deadlocks FROM pg_stat_database WHERE datname = '${database.name}'`));
  }
  /** For sessions that begin from now on. */
  async function setting(name: string, value: string): Promise<void> {
    await server.sql(`ALTER DATABASE ${database.name} SET ${name} = '${value}'`);
    await endSessions();
  }
  const isWaiting = async (): Promise<boolean> =>
    (await server.sql(
      `SELECT 1 FROM pg_stat_activity WHERE datname = '${database.name}' AND application_name = 'castellan' AND wait_event_type = 'Lock'`,
    )) !== "";

  it("makes a commit the victim of a deadlock: it is tried again, once it can be, and done once", async () => {
    // Ours looks for one before it gives up for its lock; the other never does, so that it is not the victim.
    await setting("deadlock_timeout", "600ms");
    const before = await deadlocks();
    let rounds = 0;
    // On a machine that is very busy a round may end otherwise: ours gives up before the circle is closed.
    while ((await deadlocks()) === before) {
      const other = await someone();
      await other.query("SET deadlock_timeout = '60s'; BEGIN");
      await bump(other, 2);
      const commit = withFreeLoop(() => gateway.commit([countUp(1, rounds), countUp(2, rounds)]));
      await eventually(isWaiting, { everyMs: 5, describe: "our commit has the first row and waits for the second" });
      await bump(other, 1);
      await other.query("COMMIT");
      expect(await commit).toEqual([1, 1]);
      rounds += 1;
      expect([await countOf(gateway, 1), await countOf(gateway, 2)]).toEqual([rounds, rounds]);
    }
    expect(rounds).toBeGreaterThan(0);
  });

  it("refuses a commit because of another one that was faster (serialization): it is tried again", async () => {
    await setting("default_transaction_isolation", "serializable");
    const other = await someone();
    await other.query("BEGIN");
    await bump(other, 1);
    const commit = withFreeLoop(() => gateway.commit([countUp(1, 0)]));
    await eventually(isWaiting, { describe: "our commit waits for the row" });
    await other.query("COMMIT");
    expect(await commit).toEqual([1]);
    expect(await countOf(gateway, 1)).toBe(1);
  });

  it("is read-only: said with the remedy, at once, and over when it is over", async () => {
    await setting("default_transaction_read_only", "on");
    expect(await outcomeOf(gateway.commit([countUp(1, 0)]))).toMatchObject({
      code: "STORE_UNAVAILABLE",
      message: expect.stringMatching(/read-only transaction; this server is read-only: connect to the primary/),
    });
    expect(await countOf(gateway, 1)).toBe(0);
    await setting("default_transaction_read_only", "off");
    expect(await gateway.commit([countUp(1, 0)])).toEqual([1]);
  });

  it("has no connection left: waited for within the budget, then said; over when one is free", async () => {
    await endSessions();
    const refusal = await eventually(
      () =>
        someone("owner").then(
          () => false,
          (thrown: unknown) => [thrown],
        ),
      {
        everyMs: 0,
        describe: "somebody is refused",
      },
    );
    expect(refusal).toMatchObject([{ code: "53300" }]);
    expect(others.length).toBeGreaterThan(4);
    expect(await withFreeLoop(() => outcomeOf(gateway.commit([countUp(1, 0)])))).toMatchObject({
      code: "STORE_UNAVAILABLE",
      message: expect.stringMatching(/stayed busy: .*(connection slots|too many clients)/),
    });
    const commit = gateway.commit([countUp(1, 0)]);
    await others.pop()?.end();
    expect(await commit).toEqual([1]);
    expect(await countOf(gateway, 1)).toBe(1);
  });

  it.skipIf(noDisk !== "")(
    `has a full disk: said with the remedy, nothing half-done, and over when there is room${noDisk}`,
    async () => {
      const disk = await smallDisk(24);
      try {
        const space = join(disk.dir, "space");
        await mkdir(space);
        const { uid, gid } = await stat(await server.sql("SHOW data_directory"));
        await chown(space, uid, gid);
        await gateway.close();
        await server.sql(`CREATE TABLESPACE ${database.name} LOCATION '${space}'`);
        await server.sql(`ALTER DATABASE ${database.name} SET TABLESPACE ${database.name}`);
        gateway = await open();
        disk.fill();
        let rows = 0;
        const fillUp = (): Promise<unknown> =>
          gateway.commit([countUp(1, rows), ...lines(rows)]).then(() => (rows += 1));
        // What is free in the pages that are there is used first.
        const outcome = await eventually(async () => {
          const seen = await outcomeOf(fillUp());
          return seen.code === "done" ? false : seen;
        });
        expect(outcome).toMatchObject({
          code: "STORE_UNAVAILABLE",
          message: expect.stringMatching(/No space left on device; the server lacks disk/),
        });
        expect(await countOf(gateway, 1), "all or nothing").toBe(rows);
        expect(await gateway.find("audit_log", { limit: 1, where: { id: `line-${rows}-0` } })).toEqual([]);
        disk.empty();
        await fillUp();
        expect(await countOf(gateway, 1)).toBe(rows);
      } finally {
        await gateway.close();
        await database.drop();
        await server.sql(`DROP TABLESPACE IF EXISTS ${database.name}`);
        await disk.remove();
      }
    },
  );

  it.each([
    ["restarted in order", () => server.restart()],
    [
      "killed -9 with all its processes",
      async () => {
        await server.kill9();
        await server.restart();
      },
    ],
    [
      "killed -9 in one session, which makes it end all and recover",
      async () => {
        const pids = await server.sql(
          `SELECT pid FROM pg_stat_activity WHERE datname = '${database.name}' AND application_name = 'castellan'`,
        );
        process.kill(Number(pids.split("\n")[0]), "SIGKILL");
      },
    ],
  ])("%s under a stream of commits: every one is there that was acknowledged, once", async (_how, fault) => {
    const streams = [streamOf(gateway, 1), streamOf(gateway, 2)];
    const advance = async (): Promise<void> => {
      const from = streams.map(({ count }) => count);
      await eventually(() => streams.every(({ count }, at) => count > (from[at] ?? 0) + 20), {
        describe: "the streams go on",
      });
    };
    await withFreeLoop(async () => {
      await advance();
      await fault();
      await advance();
    });
    await Promise.all(streams.map((stream) => stream.stop()));
    expect([await countOf(gateway, 1), await countOf(gateway, 2)]).toEqual(streams.map(({ count }) => count));
  });
});

/** Locks the row of a counter until the transaction ends. */
const bump = (client: Client, id: number): Promise<unknown> =>
  client.query("UPDATE sentinel SET nonce = 'x' WHERE logical_machine_id = $1", [id]);

/** Enough lines to need a new page sooner or later. */
const lines = (batch: number) =>
  Array.from({ length: 20 }, (_, at) =>
    insert("audit_log", {
      id: `line-${batch}-${at}`,
      happened_at: NOON,
      by_user: "somebody",
      station: "hades",
      command: null,
      what: "fill",
      details: "x".repeat(200),
    }),
  );
