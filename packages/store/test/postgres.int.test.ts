/** The suite on a real PostgreSQL, and what only a server can show: it dies, hangs, forbids, and outlives its clients. */
import { writeFile } from "node:fs/promises";
import { type Gateway, insert, tables, update } from "@castellan/store";
import { describeGateway, describeModel, type TestDatabase } from "@castellan/store/testing";
import type { OpenGatewayOptions } from "@castellan/store/typeorm";
import { eventually, type Postgres, postgres, postgresBinaries, tempHome } from "@castellan/testkit";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodeStateRow, serverRow } from "../src/testing/rows.ts";
import { postgres as dialect } from "../src/typeorm/dialects/postgres.ts";
import { describeDrift } from "../src/typeorm/migrate.ts";
import { postgresSource } from "../src/typeorm/postgres-connection.ts";
import { SCHEMA_VERSION } from "../src/typeorm/version.ts";
import { GIVEN_UP } from "./given-up.ts";
import { openHere } from "./open-here.ts";

const missing = postgresBinaries() === undefined ? " (skipped: install Debian's postgresql to run it)" : "";

describe.skipIf(missing !== "")(`a PostgreSQL server${missing}`, () => {
  let server: Postgres;
  let databases = 0;
  let shared: ServerDatabase;
  beforeAll(async () => {
    server = await postgres();
    shared = await make();
  });
  afterAll(async () => {
    await server?.stop();
  });

  async function make(): Promise<ServerDatabase> {
    databases += 1;
    const name = `test_${databases}`;
    // A locale in which strings do not sort by code point, as databases of other people have.
    const locale = "TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'";
    await withAdmin(server.url, (client) => client.query(`CREATE DATABASE ${name} ${locale}`));
    const url = new URL(server.url);
    url.pathname = name;
    const opened: Gateway[] = [];
    const close = async (): Promise<void> => {
      await Promise.all(opened.splice(0).map((gateway) => gateway.close()));
    };
    return {
      close,
      url: url.href,
      async open(over = {}) {
        const gateway = await openHere({ url: url.href, ...over });
        opened.push(gateway);
        return gateway;
      },
      admin: (use) => withAdmin(url.href, use),
      async remove() {
        await close();
        await withAdmin(server.url, (client) => client.query(`DROP DATABASE ${name} WITH (FORCE)`));
      },
    };
  }

  /** The suite's database is emptied after each test: one of its own each would take most of the time. */
  const emptied = async (): Promise<TestDatabase> => ({
    open: () => shared.open(),
    async remove() {
      const names = Object.keys(tables).map((name) => `"${name}"`);
      await shared.close();
      await shared.admin((client) => client.query(`TRUNCATE ${names.join(", ")}`));
    },
  });
  describeGateway("PostgreSQL", emptied);
  describeModel("PostgreSQL", emptied);

  async function using<R>(use: (database: ServerDatabase) => Promise<R>): Promise<R> {
    const database = await make();
    try {
      return await use(database);
    } finally {
      await database.remove();
    }
  }

  it("is migrated once, however many come at the same moment, to the schema that is designed", async () => {
    await using(async (database) => {
      await Promise.all(Array.from({ length: 5 }, () => database.open({ migrate: "always" })));
      const versions = await database.admin((client) => client.query("SELECT version FROM schema_version"));
      expect(versions.rows).toEqual(Array.from({ length: SCHEMA_VERSION }, (_, at) => ({ version: at + 1 })));
      expect(
        await describeDrift({ dialect, source: postgresSource({ url: database.url, passwordFile: null }) }),
      ).toEqual([]);
      const names = await database.admin((client) =>
        client.query("SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1"),
      );
      for (const { conname } of names.rows) expect(conname).toMatch(/^(pk|fk)_[a-z_]+$/);
    });
  });

  it("refuses a schema that is missing or newer", async () => {
    await using(async (database) => {
      await expect(database.open({ migrate: "never" })).rejects.toMatchObject({ code: "SCHEMA" });
      await database.open();
      await database.admin((client) => client.query("INSERT INTO schema_version VALUES (99, 'x', now(), 99)"));
      await expect(database.open({ migrate: "always" })).rejects.toMatchObject({
        code: "SCHEMA",
        message: expect.stringContaining("install the newer program"),
      });
    });
  });

  it("keeps the documented statements of people working", async () => {
    await using(async (database) => {
      const gateway = await database.open();
      await gateway.commit([insert("node_cluster", serverRow(1, { master: true }))]);
      const found = await database.admin((client) =>
        client.query("select physical_machine_name from node_cluster where master = 1"),
      );
      expect(found.rows).toEqual([{ physical_machine_name: "server-1" }]);
    });
  });

  it("has no transaction open between two statements of ours", async () => {
    await using(async (database) => {
      const gateway = await database.open();
      await gateway.commit([insert("node_state", nodeStateRow())]);
      await gateway.find("node_state");
      const states = await database.admin((client) =>
        client.query(
          "SELECT DISTINCT state FROM pg_stat_activity WHERE application_name = 'castellan' AND datname = current_database()",
        ),
      );
      expect(states.rows).toEqual([{ state: "idle" }]);
    });
  });

  it("makes a commit wait for a row that another one holds, and gives up within its budget", async () => {
    await using(async (database) => {
      const gateway = await database.open();
      await gateway.commit([insert("node_state", nodeStateRow())]);
      const bump = update("node_state", { id: 1, epoch: 0 }, { epoch: { add: 1 } });
      await database.admin(async (client) => {
        await client.query("BEGIN; SELECT * FROM node_state FOR UPDATE");
        await expect(gateway.commit([bump])).rejects.toMatchObject(GIVEN_UP);
        // What it waits for changes what it expects.
        const second = expect(gateway.commit([bump])).rejects.toMatchObject({ code: "STORE_CONFLICT", index: 0 });
        await client.query("UPDATE node_state SET epoch = 5; COMMIT");
        await second;
      });
    });
  });

  it("that drops its connections costs at most the statements under way", async () => {
    await using(async (database) => {
      const gateway = await database.open();
      await gateway.commit([insert("node_state", nodeStateRow())]);
      await database.admin((client) =>
        client.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'castellan'"),
      );
      await eventually(async () => await gateway.commit([update("node_state", { id: 1 }, { fence: 7 })]));
      expect(await gateway.find("node_state")).toMatchObject([{ fence: 7 }]);
    });
  });

  it("that dies under a commit leaves it unknown; dead it is unavailable; back it serves", async () => {
    await using(async (database) => {
      const gateway = await database.open();
      await gateway.commit([insert("node_state", nodeStateRow())]);
      const holder = new Client({ connectionString: database.url });
      const broke = new Promise<void>((resolve) => holder.on("error", () => resolve()));
      await holder.connect();
      await holder.query("BEGIN; SELECT * FROM node_state FOR UPDATE");
      const caught = gateway.commit([update("node_state", { id: 1 }, { fence: 1 })]).catch((thrown: unknown) => thrown);
      await eventually(async () => {
        const waiting = await database.admin((client) =>
          client.query(
            "SELECT 1 FROM pg_stat_activity WHERE application_name = 'castellan' AND wait_event_type = 'Lock'",
          ),
        );
        return waiting.rows.length > 0;
      });
      await server.kill9();
      await broke;
      expect(await caught).toMatchObject({ code: "STORE_AMBIGUOUS", retryable: true });
      await expect(gateway.find("node_state")).rejects.toMatchObject({ code: "STORE_UNAVAILABLE", retryable: true });
      await expect(gateway.commit([update("node_state", {}, { fence: 2 })])).rejects.toMatchObject({
        code: "STORE_UNAVAILABLE",
        message: expect.stringContaining("check that the server runs"),
      });
      await server.restart();
      await eventually(async () => await gateway.commit([update("node_state", { id: 1 }, { fence: 3 })]));
      expect(await gateway.find("node_state")).toMatchObject([{ fence: 3 }]);
    });
  });

  it("is reached with the password of a file, which no message shows", async () => {
    const home = await tempHome();
    try {
      await using(async (database) => {
        const passwordFile = home.path("db.password");
        await writeFile(passwordFile, "s3cret/@:\nsecond line\n");
        await (await database.open({ passwordFile })).find("nodes");
        const dead = database.open({ url: "postgres://me@127.0.0.1:1/x", passwordFile });
        const thrown: unknown = await dead.catch((error: unknown) => error);
        expect(thrown).toMatchObject({ code: "STORE_UNAVAILABLE" });
        expect(JSON.stringify(thrown) + String(thrown)).not.toContain("s3cret");
        await expect(database.open({ passwordFile: home.path("none") })).rejects.toMatchObject({
          code: "PASSWORD_FILE",
        });
        await expect(database.open({ url: "postgres://me:s3cret@127.0.0.1/x" })).rejects.toMatchObject({
          code: "DATABASE_URL",
          message: expect.not.stringContaining("s3cret"),
        });
      });
    } finally {
      await home.remove();
    }
  });
});

interface ServerDatabase extends TestDatabase {
  readonly url: string;
  close(): Promise<void>;
  open(over?: Partial<OpenGatewayOptions>): Promise<Gateway>;
  admin<R>(use: (client: Client) => Promise<R>): Promise<R>;
}

async function withAdmin<R>(url: string, use: (client: Client) => Promise<R>): Promise<R> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}
