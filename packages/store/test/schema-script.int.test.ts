/** What `castellan schema print` prints, run by the databases' own means, against what a program migrates. */
import { createSystemClock, silentLogger, systemRng } from "@castellan/kernel";
import { openGateway } from "@castellan/store/typeorm";
import { type Postgres, postgres, postgresBinaries } from "@castellan/testkit";
import Database from "better-sqlite3";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { postgres as postgresDialect } from "../src/typeorm/dialects/postgres.ts";
import { sqlite } from "../src/typeorm/dialects/sqlite.ts";
import { describeDrift } from "../src/typeorm/migrate.ts";
import { postgresSource } from "../src/typeorm/postgres-connection.ts";
import { schemaScript } from "../src/typeorm/schema-script.ts";
import { sqliteSource } from "../src/typeorm/sqlite-connection.ts";
import { SCHEMA_VERSION } from "../src/typeorm/version.ts";
import { sqliteFile } from "./files.ts";
import { emittedBy } from "./sql-text/emitted.ts";

const plain = { clock: createSystemClock(), rng: systemRng, logger: silentLogger };
const versions = Array.from({ length: SCHEMA_VERSION }, (_, at) => at + 1);

describe("the printed schema on SQLite", () => {
  it("is the one a program makes; run again it changes nothing", async () => {
    const [file, migrated] = [await sqliteFile(), await sqliteFile()];
    try {
      const { text } = await schemaScript("sqlite", 0);
      const byHand = new Database(file.path);
      byHand.exec(text);
      expect(() => byHand.exec(text)).toThrow(/already exists/);
      if (byHand.inTransaction) byHand.exec("ROLLBACK");
      await (await file.open({ migrate: "never" })).find("node_state");
      expect(await describeDrift({ dialect: sqlite, source: sqliteSource(file.path) })).toEqual([]);

      await migrated.open();
      const byProgram = new Database(migrated.path);
      const made = "SELECT name, sql FROM sqlite_master ORDER BY type, name";
      expect(byHand.prepare(made).all()).toEqual(byProgram.prepare(made).all());
      const rows = byHand.prepare<[], { version: number; applied_at: string }>("SELECT * FROM schema_version").all();
      expect(rows.map(({ version }) => version)).toEqual(versions);
      for (const { applied_at } of rows) expect(applied_at).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/);
      byHand.close();
      byProgram.close();
    } finally {
      await file.remove();
      await migrated.remove();
    }
  });
});

describe("the printed schema", () => {
  it("holds only what follows the version it starts from", async () => {
    const all = await schemaScript("postgres", 0);
    expect(all.steps.map(({ version }) => version)).toEqual(versions);
    const rest = await schemaScript("postgres", 1);
    expect(rest.steps).toEqual(all.steps.slice(1));
    const none = await schemaScript("postgres", SCHEMA_VERSION);
    expect(none.text).toMatch(/^(--.*\n)*-- There is nothing to do\.\n(--.*\n)*$/);
    await expect(schemaScript("postgres", SCHEMA_VERSION + 1)).rejects.toMatchObject({ code: "USAGE" });
  });
});

const missing = postgresBinaries() === undefined ? " (skipped: install Debian's postgresql to run it)" : "";

describe.skipIf(missing !== "")(`the printed schema on PostgreSQL${missing}`, () => {
  let server: Postgres;
  beforeAll(async () => {
    server = await postgres();
  });
  afterAll(async () => {
    await server?.stop();
  });

  it("is the one a program makes; run again it changes nothing", async () => {
    await server.sql("CREATE DATABASE by_hand");
    await server.sql("CREATE DATABASE by_program");
    const url = (database: string): string => server.url.replace(/postgres$/, database);
    const { text } = await schemaScript("postgres", 0);
    await server.sql(text, "by_hand");
    await expect(server.sql(text, "by_hand")).rejects.toThrow(/already exists/);
    await (await openGateway({ ...plain, url: url("by_hand"), migrate: "never" })).close();
    await (await openGateway({ ...plain, url: url("by_program"), migrate: "ifEmpty" })).close();
    const source = postgresSource({ url: url("by_hand"), passwordFile: null });
    expect(await describeDrift({ dialect: postgresDialect, source })).toEqual([]);

    const made = `SELECT 'c', table_name, column_name, data_type, character_maximum_length, is_nullable, collation_name
        FROM information_schema.columns WHERE table_schema = 'public'
      UNION ALL SELECT 'k', conrelid::regclass::text, conname, pg_get_constraintdef(oid), 0, '', '' FROM pg_constraint WHERE connamespace = 'public'::regnamespace
      UNION ALL SELECT 'i', tablename, indexname, indexdef, 0, '', '' FROM pg_indexes WHERE schemaname = 'public'
      UNION ALL SELECT 'f', proname, '', prosrc, 0, '', '' FROM pg_proc WHERE pronamespace = 'public'::regnamespace
      ORDER BY 1, 2, 3`;
    const byHand = await server.sql(made, "by_hand");
    expect(byHand).toContain("castellan_commit");
    expect(byHand).toContain("pk_node_state");
    expect(byHand).toBe(await server.sql(made, "by_program"));
    expect(await server.sql("SELECT version FROM schema_version ORDER BY 1", "by_hand")).toBe(versions.join("\n"));
  });

  it("is one on which the server prepares every statement that is sent", async () => {
    await server.sql("CREATE DATABASE for_statements");
    const client = new Client({ connectionString: server.url.replace(/postgres$/, "for_statements") });
    await client.connect();
    try {
      await client.query((await schemaScript("postgres", 0)).text);
      const sent = (await emittedBy(postgresDialect)).filter(({ from }) => !/^(migration|lock)/.test(from));
      expect(sent.length).toBeGreaterThan(800);
      // In a commit the one parameter is a JSON list.
      for (const { sql } of sent)
        await client.query(`PREPARE sent${sql.includes("$1->>") ? " (jsonb)" : ""} AS ${sql}; DEALLOCATE sent`);
      await expect(client.query('PREPARE sent AS SELECT "no_such" FROM "nodes"')).rejects.toMatchObject({
        code: "42703",
      });
    } finally {
      await client.end();
    }
  });
});
