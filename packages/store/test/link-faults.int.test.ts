/**
 * The link to a PostgreSQL server fails at each moment of a conversation, in each way: what the caller is told, and what has
 * happened. A read is asked again where that may help at once; a commit that has left us is never repeated, and what is read
 * afterwards is final.
 */
import { writeFile } from "node:fs/promises";
import type { Gateway } from "@castellan/store";
import {
  type Ambush,
  eventually,
  type FaultProxy,
  faultProxy,
  type Postgres,
  type PostgresDatabase,
  postgres,
  postgresBinaries,
  type TempHome,
  tempHome,
} from "@castellan/testkit";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openHere } from "./open-here.ts";
import { counterRow, countOf, countUp, outcomeOf, withFreeLoop } from "./stream.ts";

const missing = postgresBinaries() === undefined ? " (skipped: install Debian's postgresql to run it)" : "";
const MOMENTS: readonly Ambush["moment"][] = ["beforeServer", "underway", "afterAnswer"];
/** The slow one first, so that they wait together. */
const FAULTS: readonly Ambush["fault"][] = ["stall", "close", "reset"];

/** As in `postgres-connection.ts` and `postgres-settings.ts`, milliseconds: how long a caller waits for a connection, and for an answer. */
const CONNECT_MS = 2000;
const ANSWER_MS = 3000;
const POOL_SIZE = 4;

/** What the text of the statement holds when it goes over the link. */
const REQUEST = { read: 'FROM "sentinel"', commit: "castellan_commit" };

interface Case extends Ambush {
  readonly id: number;
  readonly what: keyof typeof REQUEST;
  readonly told: string;
  /** What is in the row afterwards. A commit that still waits for its lock when its link fails is ended by the next statement. */
  readonly count: number;
}

const CASES: readonly Case[] = FAULTS.flatMap((fault) =>
  MOMENTS.flatMap((moment) => (["read", "commit"] as const).map((what) => ({ what, moment, fault }))),
).map((one, at) => ({
  ...one,
  id: at + 1,
  request: REQUEST[one.what],
  // A server that does not answer is not asked again: that was 3 s already, and the caller knows how long it can wait.
  told: one.what === "commit" ? "STORE_AMBIGUOUS" : one.fault === "stall" ? "STORE_UNAVAILABLE" : "done",
  count: one.what === "commit" && one.moment === "afterAnswer" ? 1 : 0,
}));

describe.skipIf(missing !== "")(`the link to a PostgreSQL server${missing}`, () => {
  let server: Postgres;
  let database: PostgresDatabase;
  let home: TempHome;
  let direct: Gateway;
  const open = (url: string): Promise<Gateway> =>
    openHere({
      url,
      passwordFile: home.path("password"),
    });
  beforeAll(async () => {
    server = await postgres();
    database = await server.database();
    home = await tempHome();
    await writeFile(home.path("password"), `${database.password}\n`);
    direct = await open(database.url);
    await direct.commit([...CASES.map(({ id }) => counterRow(id)), counterRow(100), counterRow(101)]);
  });
  afterAll(async () => {
    await direct?.close();
    await server?.stop();
    await home?.remove();
  });

  /** Through a proxy of its own, with a connection that is there already. */
  async function throughProxy(use: (gateway: Gateway, proxy: FaultProxy) => Promise<void>): Promise<void> {
    const proxy = await faultProxy(server);
    const url = new URL(database.url);
    url.port = String(proxy.port);
    const gateway = await open(url.href);
    try {
      await gateway.find("nodes");
      await use(gateway, proxy);
    } finally {
      await gateway.close();
      await proxy.stop();
    }
  }

  /** Somebody else's lock on the row of a case, until given back. */
  async function lockRow(id: number): Promise<() => Promise<void>> {
    const holder = new Client({ connectionString: new URL(`/${database.name}`, server.url).href });
    await holder.connect();
    await holder.query("BEGIN");
    await holder.query("SELECT 1 FROM sentinel WHERE logical_machine_id = $1 FOR UPDATE", [id]);
    return () => holder.end();
  }

  it.concurrent.each(CASES)("$what, $fault, $moment: $told", async (one) => {
    await throughProxy(async (gateway, proxy) => {
      const unlock = one.what === "commit" && one.moment === "underway" ? await lockRow(one.id) : null;
      const sprung = proxy.ambush(one);
      const work = one.what === "commit" ? gateway.commit([countUp(one.id, 0)]) : countOf(gateway, one.id);
      const outcome = await withFreeLoop(() => outcomeOf(work));
      await sprung;
      expect(outcome.code).toBe(one.told);
      if (one.told === "STORE_UNAVAILABLE") expect(outcome.message).toMatch(/check that the server runs/);
      // Before anybody else is heard: what the gateway reads now stays as it is.
      expect(await eventually(async () => [await countOf(gateway, one.id)])).toEqual([one.count]);
      await unlock?.();
      expect(await gateway.commit([countUp(one.id, one.count)])).toEqual([1]);
      expect(await countOf(direct, one.id)).toBe(one.count + 1);
    });
  });

  it.concurrent.each([
    ["toServer", 0],
    ["toClient", 1],
  ] as const)(
    "that swallows everything %s gives no answer in time, and what has happened is known when it is healed",
    async (direction, happened) => {
      const id = direction === "toServer" ? 100 : 101;
      await throughProxy(async (gateway, proxy) => {
        proxy.swallow(direction);
        expect((await withFreeLoop(() => outcomeOf(gateway.commit([countUp(id, 0)])))).code).toBe("STORE_AMBIGUOUS");
        expect((await withFreeLoop(() => outcomeOf(gateway.find("nodes")))).code).toBe("STORE_UNAVAILABLE");
        proxy.heal();
        expect(await eventually(async () => [await countOf(gateway, id)])).toEqual([happened]);
        expect(await countOf(direct, id)).toBe(happened);
      });
    },
  );

  it.concurrent("that is slow when somebody waits for a connection: each is given back", async () => {
    await throughProxy(async (gateway, proxy) => {
      const reads = (): Promise<unknown>[] => Array.from({ length: POOL_SIZE }, () => gateway.find("nodes"));
      await Promise.all(reads());
      proxy.fail("stall");
      const stalled = reads().map(outcomeOf);
      await passed(ANSWER_MS - CONNECT_MS / 2);
      proxy.heal();
      // Once the others have given up it gets a new connection, and gives up itself while that is asked what it leads to. On a slow
      // machine it may have given up before.
      const waiting = outcomeOf(gateway.find("nodes"));
      const asked = proxy.ambush({ request: "pg_is_in_recovery", moment: "afterAnswer", fault: "delay" });
      await Promise.race([asked, waiting]);
      await passed(CONNECT_MS);
      proxy.heal();
      await Promise.all([...stalled, waiting]);
      await Promise.all(reads());
      // Before the link goes: one that nobody gives back would be missed here.
      await gateway.close();
    });
  });
});

/** Until what has a deadline of its own has reached it. */
async function passed(ms: number): Promise<void> {
  const overMs = performance.now() + ms;
  await eventually(() => performance.now() > overMs, { describe: `${ms} ms have passed` });
}
